// nonblocking-loop: the loop of lab 03 again, with O_NONBLOCK. No call waits, so nobody waits for a stranger.
//
// Run:       build/bin/nonblocking-loop --port 9000
//            then open   nc 127.0.0.1 9000   in two terminals, type into the second one only, and look at top
// Look for:  a silent client stops no one: recv says EAGAIN ("nothing there now") and the loop goes on. And
//            the price: while all are silent the loop goes round and round, asks everybody and burns a core
//            for nothing. What is missing is a call that waits for all of them at once.
// Compare:   diff labs/03-blocking-loop/blocking-loop.cpp labs/06-nonblocking-loop/nonblocking-loop.cpp

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <iterator>
#include <list>
#include <span>

#include "common/net/listener.h"
#include "common/net/pending_bytes.h"
#include "common/net/request_work.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

struct Connection {
  net::FileDescriptor socket;
  net::PendingBytes pending;  // received, not yet sent back; while there is any, nothing more is received
};

class Server {
 public:
  explicit Server(net::FileDescriptor listener) : listener_(std::move(listener)) {
    net::set_nonblocking(listener_);
  }

  void run() {
    for (;;) {
      accept_waiting();
      for (auto connection = connections_.begin(); connection != connections_.end();) {
        connection = echo(*connection) ? std::next(connection) : connections_.erase(connection);
      }
    }
  }

 private:
  // Takes up to 64 of those that wait: a flood of clients must not keep the connected ones waiting.
  void accept_waiting() {
    for (int i = 0; i < 64; ++i) {
      net::FileDescriptor socket{accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (!socket && !spare_.accept_again(listener_.fd(), errno)) return;
      if (!socket) continue;
      net::disable_nagle(socket);
      connections_.push_back({.socket = std::move(socket), .pending = {}});
    }
  }

  // One turn: sends what is pending, or receives once and sends that back; what the socket doesn't take stays
  // pending. EAGAIN says that there is nothing to do now. False when the connection is over.
  bool echo(Connection& connection) {
    const bool was_pending = !connection.pending.empty();
    std::span<const char> unsent = connection.pending.bytes();
    if (!was_pending) {
      const ssize_t received = recv(connection.socket.fd(), buffer_.data(), buffer_.size(), 0);
      if (received < 0) return net::is_try_again(errno);
      if (received == 0) return false;
      net::request_work();
      unsent = std::span(buffer_).first(static_cast<std::size_t>(received));
    }
    const ssize_t result = send(connection.socket.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (result < 0 && !net::is_try_again(errno)) return false;
    const std::size_t sent = result < 0 ? 0 : static_cast<std::size_t>(result);
    if (was_pending) {
      connection.pending.consume(sent);
    } else {
      connection.pending.append(unsent.subspan(sent));
    }
    return true;
  }

  net::FileDescriptor listener_;
  net::SpareDescriptor spare_;
  std::list<Connection> connections_;
  std::array<char, 16 * 1024> buffer_{};  // one for all: between two turns it holds nothing
};

}  // namespace

int main(int argc, char** argv) {
  return net::run_server(argc, argv, "Echo server: one thread, a loop over all, non-blocking calls.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
