// epoll-edge-read-once: a mistake. One receive for one edge.
//
// Run:       build/bin/epoll-edge-read-once --port 9000
//            head -c 40000 /dev/zero | nc 127.0.0.1 9000 | wc -c        (Ctrl-C when it hangs)
// Look for:  a client that sends more than one read takes gets a part of it back, and then nothing: the rest
//            lies in the receive buffer, and the kernel, which has told already, is silent until new bytes
//            come.
// Compare:   diff labs/09-epoll/epoll-edge.cpp labs/09-epoll/epoll-edge-read-once.cpp

#include <sys/epoll.h>
#include <sys/socket.h>

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

  // One turn, as in epoll.cpp: sends what is pending, or receives once and sends that back. Level-triggered
  // epoll would report what is left; edge-triggered epoll doesn't.
  After echo(Connection& connection) {
    const bool was_pending = !connection.pending.empty();
    std::span<const char> unsent = connection.pending.bytes();
    if (!was_pending) {
      const ssize_t received = recv(connection.socket.fd(), buffer_.data(), buffer_.size(), 0);
      if (received < 0) return after_error();
      if (received == 0) return After::over;
      unsent = std::span(buffer_).first(static_cast<std::size_t>(received));
    }
    const ssize_t result = send(connection.socket.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (result < 0 && !net::is_try_again(errno)) return After::over;
    const std::size_t sent = result < 0 ? 0 : static_cast<std::size_t>(result);
    was_pending ? connection.pending.consume(sent) : connection.pending.append(unsent.subspan(sent));
    return After::idle;
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
  return net::run_server(argc, argv, "A mistake: edge-triggered epoll, one receive for one edge.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
