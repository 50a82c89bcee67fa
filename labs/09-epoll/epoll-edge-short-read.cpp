// epoll-edge-short-read: a mistake. It takes a short read for "nothing is left" and saves the recv that would
// say EAGAIN.
//
// Run:       build/bin/epoll-edge-short-read --port 9000
// Look for:  bytes and end of stream that arrive together are one edge. The read is short, so the server
//            doesn't ask again, and never sees the end: the connection stays for ever. (Asking for
//            EPOLLRDHUP, and reading on when it is reported, would make the saving safe.)
// Compare:   diff labs/09-epoll/epoll-edge.cpp labs/09-epoll/epoll-edge-short-read.cpp

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <deque>
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
  bool is_ready = false;      // stands in the list of those that may have something to do
};

class Server {
 public:
  explicit Server(net::FileDescriptor listener) : listener_(listener.fd()) {
    if (!epoll_) throw net::SystemError("epoll_create1");
    net::set_nonblocking(listener);
    // The listener stays level-triggered: who is left waiting in its queue is reported again.
    if (!watch(listener_, EPOLLIN)) throw net::SystemError("watch listener");
    at(listener_).socket = std::move(listener);
  }

  void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int timeout = ready_.empty() ? -1 : 0;  // with somebody ready, only look who else has come
      const int ready = epoll_wait(epoll_.fd(), events.data(), events.size(), timeout);
      if (ready < 0 && errno != EINTR) throw net::SystemError("epoll_wait");
      for (int i = 0; i < ready; ++i) {
        const int fd = events[index(i)].data.fd;  // closed only in its own turn, so still the one it was
        if (fd == listener_) {
          accept_waiting();
        } else {
          make_ready(fd);
        }
      }
      for (std::size_t count = ready_.size(); count > 0; --count) {
        const int fd = ready_.front();
        ready_.pop_front();
        serve(fd);
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
      if (watch(fd, EPOLLIN | EPOLLOUT | EPOLLET)) at(fd).socket = std::move(socket);
    }
  }

  void make_ready(int fd) {
    if (!at(fd).is_ready) ready_.push_back(fd);
    at(fd).is_ready = true;
  }

  // Goes on until the kernel has said EAGAIN, because only after that will it report this connection again.
  // After four turns, 64 KiB at the most, the others have theirs.
  void serve(int fd) {
    Connection& connection = at(fd);
    for (int turns = 0; turns < 4 && connection.is_ready; ++turns) {
      if (!echo(connection)) return forget(fd);
    }
    if (connection.is_ready) ready_.push_back(fd);
  }

  // One turn: sends what is pending, or receives once and sends that back; what the socket doesn't take stays
  // pending. EAGAIN says that there is nothing to do now. False when the connection is over.
  bool echo(Connection& connection) {
    bool was_short = false;
    const bool was_pending = !connection.pending.empty();
    std::span<const char> unsent = connection.pending.bytes();
    if (!was_pending) {
      const ssize_t received = recv(connection.socket.fd(), buffer_.data(), buffer_.size(), 0);
      if (received < 0 && errno == EAGAIN) connection.is_ready = false;
      if (received < 0) return net::is_try_again(errno);
      if (received == 0) return false;
      net::request_work();
      was_short = static_cast<std::size_t>(received) < buffer_.size();
      unsent = std::span(buffer_).first(static_cast<std::size_t>(received));
    }
    const ssize_t result = send(connection.socket.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (result < 0 && errno == EAGAIN) connection.is_ready = false;
    if (result < 0 && !net::is_try_again(errno)) return false;
    const std::size_t sent = result < 0 ? 0 : static_cast<std::size_t>(result);
    if (was_pending) {
      connection.pending.consume(sent);
    } else {
      connection.pending.append(unsent.subspan(sent));
    }
    if (was_short && connection.pending.empty()) connection.is_ready = false;
    return true;
  }

  // False if it can't be watched, and errno says why.
  bool watch(int fd, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.fd = fd}};
    return epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, fd, &event) == 0;  // a user may watch so many: epoll(7)
  }

  void forget(int fd) {
    // close also takes it out of the epoll set
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
  net::FileDescriptor epoll_{epoll_create1(EPOLL_CLOEXEC)};
  std::deque<int> ready_;  // each stands in it once
  net::SpareDescriptor spare_;
  std::array<char, 16 * 1024> buffer_{};  // one for all: between two turns it holds nothing
};

}  // namespace

int main(int argc, char** argv) {
  return net::run_server(argc, argv, "A mistake: edge-triggered epoll, a short read taken for the last one.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
