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
#include "common/net/request_work.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

struct Connection {
  net::FileDescriptor socket;
  net::PendingBytes pending;  // received, not yet sent back; while there is any, nothing more is received
};

enum class For { reading, writing };

class Server {
 public:
  explicit Server(net::FileDescriptor listener) : listener_(listener.fd()) {
    net::set_nonblocking(listener);
    if (!watch(listener_, For::reading)) throw net::SystemError("watch listener");
    at(listener_).socket = std::move(listener);
  }

  void run() {
    for (;;) {
      int ready = poll(watched_.data(), connections_.size(), -1);
      if (ready < 0 && errno != EINTR) throw net::SystemError("poll");
      for (int fd = 0; ready > 0; ++fd) {
        if (watched_[index(fd)].revents == 0) continue;
        --ready;
        if (fd == listener_) {
          accept_waiting();
        } else {
          serve(fd);
        }
      }
    }
  }

 private:
  // Takes up to 64 of those that wait: a flood of clients must not keep the connected ones waiting.
  void accept_waiting() {
    for (int i = 0; i < 64; ++i) {
      net::FileDescriptor socket{accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (!socket && !spare_.accept_again(listener_, errno)) return;
      if (!socket) continue;
      net::disable_nagle(socket);
      const int fd = socket.fd();
      if (watch(fd, For::reading)) at(fd).socket = std::move(socket);
    }
  }

  void serve(int fd) {
    Connection& connection = at(fd);
    const bool was_writing = !connection.pending.empty();
    if (!echo(connection)) return forget(fd);
    const bool is_writing = !connection.pending.empty();
    if (is_writing != was_writing && !watch(fd, is_writing ? For::writing : For::reading)) {
      throw net::SystemError("watch connection");
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

  // False if it can't be watched, and errno says why.
  bool watch(int fd, For what) {
    const short events = what == For::writing ? POLLOUT : POLLIN;
    if (watched_.size() <= index(fd)) watched_.resize(index(fd) + 1, {.fd = -1, .events = 0, .revents = 0});
    watched_[index(fd)] = {.fd = fd, .events = events, .revents = 0};
    return true;
  }

  void forget(int fd) {
    watched_[index(fd)].fd = -1;  // poll passes over negative descriptors
    at(fd) = Connection{};
    while (!connections_.back().socket) connections_.pop_back();
  }

  Connection& at(int fd) {
    if (connections_.size() <= index(fd)) connections_.resize(index(fd) + 1);
    return connections_[index(fd)];
  }

  static std::size_t index(int fd) { return static_cast<std::size_t>(fd); }

  const int listener_;
  std::vector<Connection> connections_;  // the descriptor is the index; the listener stands among them
  std::vector<pollfd> watched_;          // likewise
  net::SpareDescriptor spare_;
  std::array<char, 16 * 1024> buffer_{};  // one for all: between two turns it holds nothing
};

}  // namespace

int main(int argc, char** argv) {
  return net::run_server(argc, argv, "Echo server: one thread, poll.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
