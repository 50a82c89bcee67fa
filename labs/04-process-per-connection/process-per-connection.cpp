// process-per-connection: each client has a process of its own, which may block as long as it likes.
//
// Run:       build/bin/process-per-connection --port 9000
//            then open   nc 127.0.0.1 9000   in several terminals, and look at   pgrep -fa bin/process-per
// Look for:  the calls are the blocking ones of lab 03, and nobody waits for a stranger: the kernel's
//            scheduler does the multiplexing. A child is a copy of its parent, so it has the connection too;
//            both have to close what they don't use. A child that has ended stays in the process table, as a
//            zombie, until its parent asks for its exit status.
// Compare:   diff labs/03-*/blocking-loop.cpp labs/04-*/process-per-connection.cpp

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <span>
#include <string>

#include "common/net/listener.h"
#include "common/net/request_work.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

// One SIGCHLD can stand for many children: a signal that is pending already is not counted twice (signal(7)).
// So all that have ended are asked for, until there is none. A handler may call waitpid (signal-safety(7)),
// but what it does to errno must not be seen by the code that it interrupted.
void reap(int /*signal*/) {
  const int interrupted_errno = errno;
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  errno = interrupted_errno;
}

class Server {
 public:
  explicit Server(net::FileDescriptor listener) : listener_(std::move(listener)) {
    struct sigaction action {};
    action.sa_handler = reap;
    action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
    if (sigaction(SIGCHLD, &action, nullptr) < 0) throw net::SystemError("sigaction SIGCHLD");
  }

  void run() {
    for (;;) {
      accept_one();
    }
  }

 private:
  void accept_one() {
    net::FileDescriptor socket{accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!socket) {
      spare_.accept_again(listener_.fd(), errno);
      return;
    }
    net::disable_nagle(socket);
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child < 0) {
      // The process limit or memory: this client is refused, the others go on.
      const net::SystemError error("fork");
      refusal_.say(std::string("connection refused: ") + error.what());
    }
    if (child == 0) {
      listener_.close();
      end_with(parent);
      serve(std::move(socket));
      _exit(0);
    }
    // The parent's copy of the socket closes here. Were it to stay open, the client would never see an end of
    // stream when the child has closed its own.
  }

  // Lets the kernel end this child when its parent ends (prctl(2)). The parent may have ended before the
  // call: then the child has another parent by now.
  static void end_with(pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent) _exit(1);
  }

  static void serve(net::FileDescriptor connection) {
    // On its own stack. Untouched pages of it cost address space, not memory.
    std::array<char, 16 * 1024> buffer;
    while (echo(connection, buffer)) {
    }
  }

  // One turn: waits until the client says something and sends it back, waiting again if the client doesn't
  // take it. False when the connection is over.
  static bool echo(const net::FileDescriptor& connection, std::span<char> buffer) {
    const ssize_t received = recv(connection.fd(), buffer.data(), buffer.size(), 0);
    if (received < 0) return net::is_try_again(errno);
    if (received == 0) return false;
    net::request_work();
    std::span<const char> unsent = buffer.first(static_cast<std::size_t>(received));
    while (!unsent.empty()) {
      const ssize_t sent = send(connection.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EINTR) return false;
      if (sent > 0) unsent = unsent.subspan(static_cast<std::size_t>(sent));
    }
    return true;
  }

  net::FileDescriptor listener_;
  net::SpareDescriptor spare_;
  net::Complaint refusal_;
};

}  // namespace

int main(int argc, char** argv) {
  return net::run_server(argc, argv, "Echo server: a process for each connection, blocking calls.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
