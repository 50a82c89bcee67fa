// faulty-fork: an echo server with a process for each client that is right but for one fault, chosen by
// --fault.
//
// Run:       build/test/faulty-fork --port 9000 --fault never-waits
//            build/bin/harness check -- build/test/faulty-fork --port {port} --fault never-waits
// Look for:  a no where faults.csv says so, and yes everywhere else: a judge that has never said no proves
// nothing.

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <span>
#include <utility>
#include <vector>

#include "common/harness/judging/faulty/faulty_servers.h"
#include "common/net/file_descriptor.h"
#include "common/net/listener.h"
#include "common/net/system_error.h"

namespace harness {
namespace {

/// The right server: a child for each client, blocking calls.
class ForkServer {
 public:
  explicit ForkServer(net::FileDescriptor listener) : listener_(std::move(listener)) {}
  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;
  virtual ~ForkServer() = default;

  void run() {
    handle_children();
    for (;;) {
      if (net::FileDescriptor socket = accept_one()) {
        net::disable_nagle(socket);
        fork_for(socket);
        after_fork(std::move(socket));
      }
    }
  }

 protected:
  virtual void handle_children() { on_child(reap_all, SA_RESTART); }
  /// In the parent, whose copy of the socket closes here.
  virtual void after_fork(net::FileDescriptor /*socket*/) {}
  virtual void begin_child() { end_with_parent(); }

  void on_child(void (*handler)(int), int flags) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags | SA_NOCLDSTOP;
    if (sigaction(SIGCHLD, &action, nullptr) < 0) throw net::SystemError("sigaction SIGCHLD");
  }
  static void reap_all(int /*signal*/) {
    const int interrupted_errno = errno;
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    errno = interrupted_errno;
  }
  static void reap_one(int /*signal*/) {
    const int interrupted_errno = errno;
    waitpid(-1, nullptr, WNOHANG);
    errno = interrupted_errno;
  }
  static void end_with_parent() {
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0) _exit(1);
  }

  net::FileDescriptor listener_;

 private:
  net::FileDescriptor accept_one() {
    net::FileDescriptor socket{accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!socket) spare_.accept_again(listener_.fd(), errno);
    return socket;
  }

  void fork_for(const net::FileDescriptor& socket) {
    const pid_t parent = getpid();
    if (fork() != 0) return;  // below zero: this client is refused, the others go on
    listener_.close();
    begin_child();
    if (getppid() != parent) _exit(1);
    serve(socket);
    _exit(0);
  }

  static void serve(const net::FileDescriptor& socket) {
    std::array<char, 16 * 1024> buffer;
    for (;;) {
      const ssize_t received = recv(socket.fd(), buffer.data(), buffer.size(), 0);
      if (received < 0 && errno == EINTR) continue;
      if (received <= 0) return;
      std::span<const char> unsent = std::span(buffer).first(static_cast<std::size_t>(received));
      while (!unsent.empty()) {
        const ssize_t sent = send(socket.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) return;
        if (sent > 0) unsent = unsent.subspan(static_cast<std::size_t>(sent));
      }
    }
  }

  net::SpareDescriptor spare_;
};

// Stands for a fork without a wait.
class NeverWaits : public ForkServer {
 public:
  using ForkServer::ForkServer;

 protected:
  void handle_children() override {}
};

// Stands for one waitpid for each SIGCHLD: a signal that is pending already isn't counted twice (signal(7)).
class WaitsForOneOfMany : public ForkServer {
 public:
  using ForkServer::ForkServer;

 protected:
  void handle_children() override { on_child(reap_one, SA_RESTART); }
};

// Stands for a parent that keeps its copy of the socket: the client never sees an end.
class KeepsTheParentsCopy : public ForkServer {
 public:
  using ForkServer::ForkServer;

 protected:
  void after_fork(net::FileDescriptor socket) override { left_.push_back(std::move(socket)); }

 private:
  std::vector<net::FileDescriptor> left_;
};

// Stands for children that nobody ends: they go on after their parent.
class ChildrenOutliveIt : public ForkServer {
 public:
  using ForkServer::ForkServer;

 protected:
  void begin_child() override {}
};

const FaultyServers servers{
    {"none", serve_as<ForkServer>},
    {"children-outlive-it", serve_as<ChildrenOutliveIt>},
    {"keeps-the-parents-copy", serve_as<KeepsTheParentsCopy>},
    {"never-waits", serve_as<NeverWaits>},
    {"waits-for-one-of-many", serve_as<WaitsForOneOfMany>},
};

}  // namespace
}  // namespace harness

int main(int argc, char** argv) {
  return harness::run_faulty_server(argc, argv, "An echo server with processes, right but for one fault.",
                                    harness::servers);
}
