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

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
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
  bool is_ready = false;      // stands in the list of those that may have something to do
};

class Server {
 public:
  explicit Server(net::FileDescriptor listener) : listener_(std::move(listener)) {
    if (!epoll_) throw net::SystemError("epoll_create1");
    net::set_nonblocking(listener_);
    // The listener stays level-triggered: the connections that are left waiting, by the bound on accepts or
    // because descriptors have run out, are reported again.
    if (!tell_kernel(EPOLL_CTL_ADD, listener_.fd(), EPOLLIN))
      throw net::SystemError("epoll_ctl ADD listener");
  }

  void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int timeout = ready_.empty() ? -1 : 0;  // with somebody ready, only look who else has come
      const int count = epoll_wait(epoll_.fd(), events.data(), events.size(), timeout);
      if (count < 0 && errno != EINTR) throw net::SystemError("epoll_wait");
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        fd == listener_.fd() ? accept_waiting() : make_ready(fd);
      }
      for (std::size_t turns = ready_.size(); turns > 0; --turns) {
        const int fd = ready_.front();
        ready_.pop_front();
        serve(fd);
      }
    }
  }

 private:
  enum class After { idle, ready, over };

  // Takes up to 64 of those that wait: a flood of clients must not keep the connected ones waiting.
  void accept_waiting() {
    for (int i = 0; i < 64; ++i) {
      net::FileDescriptor socket{accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (!socket && !spare_.accept_again(errno)) return;
      if (!socket) continue;
      const int fd = socket.fd();
      const bool refused =
          !spare_.take_back() || !tell_kernel(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLET);
      if (refused) {
        socket.close();
        spare_.take_back();
        continue;
      }
      net::disable_nagle(socket);
      const auto index = static_cast<std::size_t>(fd);
      if (connections_.size() <= index) connections_.resize(index + 1);
      connections_[index].socket = std::move(socket);
    }
  }

  void make_ready(int fd) {
    Connection& connection = connections_[static_cast<std::size_t>(fd)];
    if (!connection.is_ready) ready_.push_back(fd);
    connection.is_ready = true;
  }

  void serve(int fd) {
    Connection& connection = connections_[static_cast<std::size_t>(fd)];
    connection.is_ready = false;
    switch (echo(connection)) {
      case After::idle:
        return;
      case After::ready:
        make_ready(fd);
        return;
      case After::over:
        connection = Connection{};  // close also takes it out of the epoll set
    }
  }

  // One turn: sends what is pending, receives and sends back, until the kernel says EAGAIN, because only
  // after that will it report this connection again. A turn ends after 64 KiB at the latest; then the others
  // have theirs.
  After echo(Connection& connection) {
    bool was_short = false;
    for (std::size_t budget = 64 * 1024; budget > 0;) {
      const bool was_pending = !connection.pending.empty();
      std::span<const char> unsent = connection.pending.bytes();
      if (!was_pending) {
        const std::size_t at_most = std::min(buffer_.size(), budget);
        const ssize_t received = recv(connection.socket.fd(), buffer_.data(), at_most, 0);
        if (received < 0) return after_error();
        if (received == 0) return After::over;
        unsent = std::span(buffer_).first(static_cast<std::size_t>(received));
        budget -= unsent.size();
        was_short = unsent.size() < at_most;
      }
      const ssize_t result = send(connection.socket.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
      if (result < 0 && !net::is_try_again(errno)) return After::over;
      const std::size_t sent = result < 0 ? 0 : static_cast<std::size_t>(result);
      const bool blocked = result < 0 && errno == EAGAIN;
      was_pending ? connection.pending.consume(sent) : connection.pending.append(unsent.subspan(sent));
      if (blocked) return After::idle;
      if (was_short && connection.pending.empty()) return After::idle;
    }
    return After::ready;
  }

  static After after_error() {
    return errno == EAGAIN ? After::idle : errno == EINTR ? After::ready : After::over;
  }

  bool tell_kernel(int operation, int fd, std::uint32_t interest) {
    epoll_event event{};
    event.events = interest;
    event.data.fd = fd;
    return epoll_ctl(epoll_.fd(), operation, fd, &event) == 0;
  }

  net::FileDescriptor listener_;
  net::FileDescriptor epoll_{epoll_create1(EPOLL_CLOEXEC)};
  net::SpareDescriptor spare_;
  std::vector<Connection> connections_;   // the descriptor's number is the index
  std::deque<int> ready_;                 // numbers of connections; each stands in it once
  std::array<char, 16 * 1024> buffer_{};  // one for all: between two turns it holds nothing
};

}  // namespace

int main(int argc, char** argv) {
  return net::run_server(argc, argv, "A mistake: edge-triggered epoll, a short read taken for the last one.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
