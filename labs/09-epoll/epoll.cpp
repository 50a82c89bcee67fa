// epoll: one thread serves all clients; the kernel keeps the list of what to watch (level-triggered).
//
// Run:       build/bin/epoll --port 9000
//            then type into   nc 127.0.0.1 9000   in several terminals
// Look for:  epoll_ctl tells the kernel of a connection once; epoll_wait hands back the ready ones only, so
//            a call costs by what is ready, not by what is open.
// Compare:   diff labs/08-poll/poll.cpp labs/09-epoll/epoll.cpp

#include <sys/epoll.h>
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
    if (!epoll_) throw net::SystemError("epoll_create1");
    net::set_nonblocking(listener_);
    if (!tell_kernel(EPOLL_CTL_ADD, listener_.fd(), EPOLLIN))
      throw net::SystemError("epoll_ctl ADD listener");
  }

  void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int ready = epoll_wait(epoll_.fd(), events.data(), events.size(), -1);
      if (ready < 0 && errno != EINTR) throw net::SystemError("epoll_wait");
      for (int i = 0; i < ready; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        // A number in this batch can't mean another connection than when it was reported: a connection is
        // closed only in its own turn, and has one turn in a batch.
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
      const bool refused = !spare_.take_back() || !tell_kernel(EPOLL_CTL_ADD, fd, EPOLLIN);
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

  void serve(int fd) {
    Connection& connection = connections_[static_cast<std::size_t>(fd)];
    const bool was_writing = !connection.pending.empty();
    if (!echo(connection)) {
      connection = Connection{};  // close also takes it out of the epoll set
      return;
    }
    const bool is_writing = !connection.pending.empty();
    if (is_writing != was_writing && !tell_kernel(EPOLL_CTL_MOD, fd, is_writing ? EPOLLOUT : EPOLLIN)) {
      throw net::SystemError("epoll_ctl MOD");
    }
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
  std::array<char, 16 * 1024> buffer_{};  // one for all: between two turns it holds nothing
};

}  // namespace

int main(int argc, char** argv) {
  return net::run_server(argc, argv, "Echo server: one thread, level-triggered epoll.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
