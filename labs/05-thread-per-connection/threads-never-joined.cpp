// threads-never-joined: thread-per-connection, but the ended threads are neither joined nor detached.
//
// Run:       build/bin/threads-never-joined --port 9000
// Look for:  it serves like its neighbour, and no count of threads shows anything. But what a thread leaves
//            for the one who joins it stays: its stack above all. After some thousand short clients:
//              grep -E 'Vm(Size|RSS)|Threads' /proc/$(pgrep -f bin/threads-never)/status
// Compare:   diff labs/05-*/thread-per-connection.cpp labs/05-*/threads-never-joined.cpp

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

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
      // The mistake: kept, to be joined some day. Nobody ever does.
      threads_.emplace_back(serve, std::move(socket));
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
  std::vector<std::thread> threads_;
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
