// thread-per-connection: each client has a thread of its own, which may block as long as it likes.
//
// Run:       build/bin/thread-per-connection --port 9000
//            then open   nc 127.0.0.1 9000   in several terminals; a silent one stops no other
// Look for:  the calls are the blocking ones of lab 03, and nobody waits for a stranger: the kernel's
//            scheduler does the multiplexing. The price is a stack and a kernel thread for every client:
//              grep -E 'Vm(Size|RSS)|Threads' /proc/$(pgrep -f bin/thread-per)/status
//            --stack 65536 makes the stacks smaller; what that saves is the lesson.
// Compare:   diff labs/04-*/process-per-connection.cpp labs/05-*/thread-per-connection.cpp

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <thread>

#include "common/net/command_line.h"
#include "common/net/listener.h"
#include "common/net/request_work.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "labs/05-thread-per-connection/stack_option.h"

namespace {

class Server {
 public:
  explicit Server(net::FileDescriptor listener) : listener_(std::move(listener)) {}

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
    try {
      // Detached: nobody waits for its end, it lives as long as its client.
      std::thread(serve, std::move(socket)).detach();
    } catch (const std::system_error& error) {
      // The thread limit or memory: this client is refused (its socket closes here), the others go on.
      refusal_.say(std::string("connection refused: pthread_create: ") + error.what());
    }
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
  std::optional<StackOption> stack;
  const auto serve = [&](net::FileDescriptor listener) {
    stack->apply();
    Server(std::move(listener)).run();
  };
  return net::run_server(argc, argv, "Echo server: a thread for each connection, blocking calls.", serve,
                         [&](net::CommandLine& options) { stack.emplace(options); });
}
