// poll: one thread serves all clients; each call hands the kernel the whole list of what to watch.
//
// Run:       build/bin/poll --port 9000
//            then type into   nc 127.0.0.1 9000   in several terminals
// Look for:  the list grows with the connections, no FD_SETSIZE ends it; but in every call the kernel goes
//            through all of it, and the server again to find the ready ones.
// Compare:   diff labs/07-select/select.cpp labs/08-poll/poll.cpp

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <span>
#include <vector>

#include "common/net/listener.h"
#include "common/net/pending_bytes.h"
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
    watch(listener_.fd(), POLLIN);
  }

  void run() {
    for (;;) {
      int ready = poll(watched_.data(), watched_.size(), -1);
      if (ready < 0 && errno != EINTR) throw net::SystemError("poll");
      for (std::size_t index = 0; ready > 0; ++index) {
        if (watched_[index].revents == 0) continue;
        --ready;
        const int fd = watched_[index].fd;
        fd == listener_.fd() ? accept_waiting() : serve(fd);
      }
    }
  }

 private:
  // Takes up to 64 of those that wait: a flood of clients must not keep the connected ones waiting.
  void accept_waiting() {
    for (int i = 0; i < 64; ++i) {
      net::FileDescriptor socket{accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (!socket && !spare_.accept_again(errno)) return;
      if (!socket) continue;
      const int fd = socket.fd();
      const bool refused = !spare_.take_back();
      if (refused) {
        socket.close();
        spare_.take_back();
        continue;
      }
      net::disable_nagle(socket);
      const auto index = static_cast<std::size_t>(fd);
      if (connections_.size() <= index) connections_.resize(index + 1);
      connections_[index].socket = std::move(socket);
      watch(fd, POLLIN);
    }
  }

  void serve(int fd) {
    Connection& connection = connections_[static_cast<std::size_t>(fd)];
    const bool was_writing = !connection.pending.empty();
    if (!echo(connection)) {
      connection = Connection{};
      watched_[static_cast<std::size_t>(fd)].fd = -1;  // poll passes over negative numbers
      while (watched_.back().fd < 0) watched_.pop_back();
      return;
    }
    const bool is_writing = !connection.pending.empty();
    if (is_writing != was_writing) watch(fd, is_writing ? POLLOUT : POLLIN);
  }

  // One turn of a connection that is ready: sends what is pending, or receives once and sends that back; what
  // the socket doesn't take stays pending. False when the connection is over.
  bool echo(Connection& connection) {
    const bool was_pending = !connection.pending.empty();
    std::span<const char> unsent = connection.pending.bytes();
    if (!was_pending) {
      const ssize_t received = recv(connection.socket.fd(), buffer_.data(), buffer_.size(), 0);
      if (received < 0) return net::is_try_again(errno);
      if (received == 0) return false;
      unsent = std::span(buffer_).first(static_cast<std::size_t>(received));
    }
    const ssize_t result = send(connection.socket.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (result < 0 && !net::is_try_again(errno)) return false;
    const std::size_t sent = result < 0 ? 0 : static_cast<std::size_t>(result);
    was_pending ? connection.pending.consume(sent) : connection.pending.append(unsent.subspan(sent));
    return true;
  }

  void watch(int fd, short interest) {
    const auto index = static_cast<std::size_t>(fd);
    if (watched_.size() <= index) watched_.resize(index + 1, pollfd{.fd = -1, .events = 0, .revents = 0});
    watched_[index] = {.fd = fd, .events = interest, .revents = 0};
  }

  net::FileDescriptor listener_;
  net::SpareDescriptor spare_;
  std::vector<Connection> connections_;   // the descriptor's number is the index
  std::vector<pollfd> watched_;           // likewise; poll is given all of it
  std::array<char, 16 * 1024> buffer_{};  // one for all: between two turns it holds nothing
};

}  // namespace

int main(int argc, char** argv) {
  return net::run_server(argc, argv, "Echo server: one thread, poll.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
