// select: one thread serves all clients; each call hands the kernel a bit for every descriptor to watch.
//
// Run:       build/bin/select --port 9000
//            then type into   nc 127.0.0.1 9000   in several terminals
// Look for:  select overwrites the sets with its answer, so they are copied for every call; and an fd_set has
//            FD_SETSIZE (1024) bits, so a connection whose number is higher has to be refused.
// Compare:   diff labs/05-thread-per-connection/*.cpp labs/07-select/select.cpp

#include <fmt/format.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>
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
    watch(listener_.fd(), false);
  }

  void run() {
    for (;;) {
      fd_set readable = want_read_;
      fd_set writable = want_write_;
      int ready = select(highest_ + 1, &readable, &writable, nullptr, nullptr);
      if (ready < 0 && errno != EINTR) throw net::SystemError("select");
      for (int fd = 0; ready > 0; ++fd) {
        if (!FD_ISSET(fd, &readable) && !FD_ISSET(fd, &writable)) continue;
        --ready;
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
      const bool refused = !spare_.take_back() || !fits_fd_set(fd);
      if (refused) {
        socket.close();
        spare_.take_back();
        continue;
      }
      net::disable_nagle(socket);
      const auto index = static_cast<std::size_t>(fd);
      if (connections_.size() <= index) connections_.resize(index + 1);
      connections_[index].socket = std::move(socket);
      watch(fd, false);
    }
  }

  void serve(int fd) {
    Connection& connection = connections_[static_cast<std::size_t>(fd)];
    const bool was_writing = !connection.pending.empty();
    if (!echo(connection)) {
      connection = Connection{};
      FD_CLR(fd, &want_read_);
      FD_CLR(fd, &want_write_);
      while (!FD_ISSET(highest_, &want_read_) && !FD_ISSET(highest_, &want_write_)) --highest_;
      return;
    }
    const bool is_writing = !connection.pending.empty();
    if (is_writing != was_writing) watch(fd, is_writing);
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

  void watch(int fd, bool writing) {
    FD_CLR(fd, writing ? &want_read_ : &want_write_);
    FD_SET(fd, writing ? &want_write_ : &want_read_);
    highest_ = std::max(highest_, fd);
  }

  // FD_SET with a higher number would write beyond the set: undefined behaviour (select(2)).
  bool fits_fd_set(int fd) {
    if (fd < FD_SETSIZE) return true;
    if (!std::exchange(refusal_said_, true)) {
      net::say("select",
               fmt::format("descriptor {} is beyond FD_SETSIZE ({}): refusing connections until a lower one "
                           "is free (said once)",
                           fd, FD_SETSIZE));
    }
    return false;
  }

  net::FileDescriptor listener_;
  net::SpareDescriptor spare_;
  std::vector<Connection> connections_;  // the descriptor's number is the index
  fd_set want_read_{};
  fd_set want_write_{};
  int highest_ = 0;
  bool refusal_said_ = false;
  std::array<char, 16 * 1024> buffer_{};  // one for all: between two turns it holds nothing
};

}  // namespace

int main(int argc, char** argv) {
  return net::run_server(argc, argv, "Echo server: one thread, select.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
