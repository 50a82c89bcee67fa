#include "common/harness/judging/client_socket.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "common/harness/judging/finding.h"
#include "common/net/listener.h"
#include "common/net/system_error.h"

namespace harness {

namespace {

// Of the judge's own making: no descriptor, no port, no permission, no memory.
[[noreturn]] void lack(const char* call, int error_number) {
  const bool descriptors = error_number == EMFILE || error_number == ENFILE;
  const bool ports = error_number == EADDRNOTAVAIL;
  say_not_applicable(fmt::format("the judge's own {}{}", net::SystemError(call, error_number).what(),
                                 descriptors ? ": raise the limit with 'ulimit -n'"
                                 : ports     ? ": no local port is left, wait a minute"
                                             : ""));
}

}  // namespace

ClientSocket::ClientSocket(const net::Address& server, const ClientBuffers& buffers)
    : socket_(socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)) {
  if (!socket_) lack("socket", errno);
  net::disable_nagle(socket_);
  if (buffers.receive > 0 &&
      setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &buffers.receive, sizeof(buffers.receive)) < 0) {
    lack("setsockopt SO_RCVBUF", errno);
  }
  if (buffers.segment > 0 &&
      setsockopt(fd(), IPPROTO_TCP, TCP_MAXSEG, &buffers.segment, sizeof(buffers.segment)) < 0) {
    lack("setsockopt TCP_MAXSEG", errno);
  }
  if (connect(fd(), server.data(), server.size()) == 0) {
    state_ = State::open;
  } else if (errno != EINPROGRESS) {
    fail(errno);
  }
}

void ClientSocket::fail(int error_number) {
  switch (error_number) {
    case ECONNREFUSED:
      state_ = State::refused;
      return;
    case ECONNRESET:
    case EPIPE:
      state_ = State::reset;
      return;
    case ETIMEDOUT:
      return;  // SYN after SYN without an answer: it stays `connecting`
    default:
      lack(state_ == State::connecting ? "connect" : "conversation", error_number);
  }
}

void ClientSocket::finish_connecting() {
  pollfd connected{.fd = fd(), .events = POLLOUT, .revents = 0};
  if (poll(&connected, 1, 0) <= 0) return;
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size) < 0) lack("getsockopt SO_ERROR", errno);
  if (error == 0) {
    state_ = State::open;
  } else {
    fail(error);
  }
}

void ClientSocket::end_direction() {
  if (shutdown(fd(), SHUT_WR) < 0) fail(errno == ENOTCONN ? ECONNRESET : errno);
}

void ClientSocket::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  if (socket_ && setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0)
    lack("setsockopt SO_LINGER", errno);
  socket_.close();
}

}  // namespace harness
