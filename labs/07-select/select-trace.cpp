// select-trace: an echo server that names each event as select reports it. There are only four kinds.
//
// Run:       build/bin/select-trace --port 9000
//            then type into   nc 127.0.0.1 9000   and end it with Ctrl-D
// Look for:  select knows "readable" and "writable" only. It is the call after it that tells what a readable
//            descriptor meant: a new connection (the listener), data (recv returned more than 0), or the end
//            of the connection (recv returned 0, or failed). Writable is asked for only while bytes wait to
//            be sent.
// Buffers:   the send buffers are small here, so that a client that doesn't read is soon felt: its bytes
//            wait, and its connection becomes "writable" when it reads at last.

#include <fmt/format.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <span>
#include <string>

#include "common/net/listener.h"
#include "common/net/pending_bytes.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

struct Connection {
  net::FileDescriptor socket;
  net::PendingBytes pending;  // received, not yet sent back; while there is any, nothing more is received
};

// Each line at once: it is to be read while it happens.
void tell(const std::string& who, const std::string& event) {
  fmt::print("{:<14} {}\n", who, event);
  std::fflush(stdout);
}

class Server {
 public:
  explicit Server(net::FileDescriptor listener) : listener_(std::move(listener)) {
    net::set_nonblocking(listener_);
  }

  void run() {
    for (;;) {
      fd_set readable{}, writable{};
      const int highest = fill(readable, writable);
      const int ready = select(highest + 1, &readable, &writable, nullptr, nullptr);
      if (ready < 0 && errno == EINTR) continue;
      if (ready < 0) throw net::SystemError("select");
      for (auto current = connections_.begin(); current != connections_.end();) {
        const auto connection = current++;  // it may be erased
        const int fd = connection->first;
        if (FD_ISSET(fd, &readable)) receive(connection->second);
        if (FD_ISSET(fd, &writable)) send_pending(connection->second);
      }
      // The newcomers come last: their numbers may be those of connections that have just ended.
      if (FD_ISSET(listener_.fd(), &readable)) accept_one();
    }
  }

 private:
  // Puts into the sets what is to be watched. Returns the highest number.
  int fill(fd_set& readable, fd_set& writable) const {
    FD_SET(listener_.fd(), &readable);
    int highest = listener_.fd();
    for (const auto& [fd, connection] : connections_) {
      FD_SET(fd, connection.pending.empty() ? &readable : &writable);
      highest = std::max(highest, fd);
    }
    return highest;
  }

  void accept_one() {
    net::FileDescriptor socket{accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!socket) {
      spare_.accept_again(listener_.fd(), errno);
      return;
    }
    const int fd = socket.fd();
    if (fd >= FD_SETSIZE) {
      tell(fmt::format("listener {}", listener_.fd()), "readable: new connection, refused: no place");
      return;
    }
    tell(fmt::format("listener {}", listener_.fd()), fmt::format("readable: new connection, {}", fd));
    net::disable_nagle(socket);
    const int small = 8192;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) < 0) {
      throw net::SystemError("setsockopt SO_SNDBUF");
    }
    connections_[fd].socket = std::move(socket);
  }

  // Readable: only recv tells whether that was data or the end. May erase the connection.
  void receive(Connection& connection) {
    const int fd = connection.socket.fd();
    const ssize_t received = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (received < 0 && net::is_try_again(errno)) return;
    if (received <= 0) {
      tell(fmt::format("connection {}", fd),
           received == 0 ? "readable: end of connection"
                         : fmt::format("readable: end of connection ({})", std::strerror(errno)));
      connections_.erase(fd);
      return;
    }
    tell(fmt::format("connection {}", fd), fmt::format("readable: data ({} bytes)", received));
    connection.pending.append(std::span(buffer_).first(static_cast<std::size_t>(received)));
    send_bytes(connection);
  }

  void send_pending(Connection& connection) {
    tell(fmt::format("connection {}", connection.socket.fd()), "writable");
    send_bytes(connection);
  }

  // Sends what the socket takes. What is left makes the connection one that is watched for writing. May erase
  // it.
  void send_bytes(Connection& connection) {
    const int fd = connection.socket.fd();
    const std::span<const char> unsent = connection.pending.bytes();
    const ssize_t sent = send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (sent < 0 && !net::is_try_again(errno)) {
      tell(fmt::format("connection {}", fd), fmt::format("send failed: {}", std::strerror(errno)));
      connections_.erase(fd);
      return;
    }
    if (sent > 0) connection.pending.consume(static_cast<std::size_t>(sent));
    if (!connection.pending.empty()) {
      tell(fmt::format("connection {}", fd),
           fmt::format("  no room for {} bytes: watched for writable", connection.pending.bytes().size()));
    }
  }

  net::FileDescriptor listener_;
  net::SpareDescriptor spare_;
  std::map<int, Connection> connections_;  // by the descriptor's number
  std::array<char, 4096> buffer_{};
};

}  // namespace

int main(int argc, char** argv) {
  return net::run_server(argc, argv, "Echo server that names each event as select reports it.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
