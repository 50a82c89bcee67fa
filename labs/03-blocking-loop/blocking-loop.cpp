// blocking-loop: what one writes first. One thread, a for over all connections, blocking calls.
//
// Run:       build/bin/blocking-loop --port 9000
//            then open   nc 127.0.0.1 9000   in two terminals and type into the second one only
// Look for:  while the first client is silent, nothing comes back to the second: the server sits in recv for
//            the first. Only a word from there lets the loop go round, accept and read from the second.
//            Replies come in the order of the loop, whoever spoke first.

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <iterator>
#include <list>
#include <span>

#include "common/net/listener.h"
#include "common/net/request_work.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

class Server {
 public:
  explicit Server(net::FileDescriptor listener) : listener_(std::move(listener)) {}

  void run() {
    for (;;) {
      accept_waiting();
      for (auto connection = connections_.begin(); connection != connections_.end();) {
        connection = echo(*connection) ? std::next(connection) : connections_.erase(connection);
      }
    }
  }

 private:
  // Waits for a connection only while there is none to read from; otherwise takes those that wait already.
  void accept_waiting() {
    for (;;) {
      net::set_nonblocking(listener_, !connections_.empty());
      net::FileDescriptor socket{accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
      if (!socket && !spare_.accept_again(listener_.fd(), errno)) return;
      if (!socket) continue;
      net::disable_nagle(socket);
      connections_.push_back(std::move(socket));
    }
  }

  // One turn: waits until this client says something, however long, and sends it back, waiting again if the
  // client doesn't take it. False when the connection is over.
  bool echo(const net::FileDescriptor& connection) {
    const ssize_t received = recv(connection.fd(), buffer_.data(), buffer_.size(), 0);
    if (received < 0) return net::is_try_again(errno);
    if (received == 0) return false;
    net::request_work();
    std::span<const char> unsent = std::span(buffer_).first(static_cast<std::size_t>(received));
    while (!unsent.empty()) {
      const ssize_t sent = send(connection.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EINTR) return false;
      if (sent > 0) unsent = unsent.subspan(static_cast<std::size_t>(sent));
    }
    return true;
  }

  net::FileDescriptor listener_;
  net::SpareDescriptor spare_;
  std::list<net::FileDescriptor> connections_;
  std::array<char, 16 * 1024> buffer_{};
};

}  // namespace

int main(int argc, char** argv) {
  return net::run_server(argc, argv, "Echo server: one thread, a for over all connections, blocking calls.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
