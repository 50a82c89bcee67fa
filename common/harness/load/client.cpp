#include "common/harness/load/client.h"

#include <netinet/in.h>
#include <poll.h>

#include <array>
#include <vector>

#include "common/net/listener.h"
#include "common/net/system_error.h"

namespace harness {

using Clock = std::chrono::steady_clock;

namespace {

// Waits until `deadline`. Returns the events that came, 0 at the deadline.
short wait_for(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{.fd = fd, .events = events, .revents = 0};
    const int ready = poll(&waiting, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready < 0 && errno != EINTR) throw net::SystemError("poll");
    if (ready > 0) return waiting.revents;
    if (ready == 0) return 0;
  }
}

// The bytes that the socket takes now: 0 if it is full.
std::size_t send_some(int fd, std::span<const char> bytes) {
  const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0 && !net::is_try_again(errno)) throw net::SystemError("send");
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

// Appends what is there now to `to`. False at the end of the stream.
bool receive_some(int fd, std::string& to, std::size_t at_most) {
  std::array<char, 64 * 1024> buffer;
  const ssize_t received = recv(fd, buffer.data(), std::min(buffer.size(), at_most), 0);
  if (received < 0 && !net::is_try_again(errno)) throw net::SystemError("recv");
  if (received > 0) to.append(buffer.data(), static_cast<std::size_t>(received));
  return received != 0;
}

}  // namespace

Client::Client(const net::Address& server, Duration timeout)
    : socket_(socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)) {
  if (!socket_) throw net::SystemError("socket");
  net::disable_nagle(socket_);
  const std::string place = server.to_string();
  if (connect(fd(), server.data(), server.size()) == 0) return;
  if (errno != EINPROGRESS) throw net::SystemError("connect", place);
  if (wait_for(fd(), POLLOUT, Clock::now() + timeout) == 0)
    throw net::SystemError("connect " + place, ETIMEDOUT);
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size) < 0)
    throw net::SystemError("getsockopt SO_ERROR");
  if (error != 0) throw net::SystemError("connect " + place, error);
}

void Client::send_all(std::span<const char> bytes, Duration timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!bytes.empty()) {
    bytes = bytes.subspan(send_some(fd(), bytes));
    if (!bytes.empty() && wait_for(fd(), POLLOUT, deadline) == 0) throw net::SystemError("send", ETIMEDOUT);
  }
}

std::string Client::receive(std::size_t count, Duration timeout) {
  const auto deadline = Clock::now() + timeout;
  std::string received;
  while (received.size() < count && wait_for(fd(), POLLIN, deadline) != 0) {
    if (!receive_some(fd(), received, count - received.size())) break;
  }
  return received;
}

bool Client::exchange(const std::string& message, Duration timeout) {
  send_all(message, timeout);
  return receive(message.size(), timeout) == message;
}

std::size_t Client::flood(std::size_t limit, Duration quiet) {
  const std::vector<char> block(64 * 1024, 'f');
  std::size_t taken = 0;
  while (taken < limit) {
    taken += send_some(fd(), std::span(block).first(std::min(block.size(), limit - taken)));
    if (wait_for(fd(), POLLOUT, Clock::now() + quiet) == 0) break;
  }
  return taken;
}

std::string Client::echo_all(std::span<const char> bytes, bool half_close, Duration timeout) {
  const auto deadline = Clock::now() + timeout;
  const std::size_t expected = bytes.size();
  std::string received;
  bool half_closed = false;
  while (half_close || received.size() < expected) {
    if (bytes.empty() && half_close && !half_closed) {
      if (shutdown(fd(), SHUT_WR) < 0) throw net::SystemError("shutdown");
      half_closed = true;
    }
    const short events =
        wait_for(fd(), static_cast<short>(bytes.empty() ? POLLIN : POLLIN | POLLOUT), deadline);
    if (events == 0) break;
    if ((events & POLLOUT) != 0 && !bytes.empty()) bytes = bytes.subspan(send_some(fd(), bytes));
    if ((events & ~POLLOUT) != 0 && !receive_some(fd(), received, SIZE_MAX)) break;
  }
  return received;
}

bool Client::at_end(Duration timeout) {
  const auto deadline = Clock::now() + timeout;
  std::string discarded;
  while (wait_for(fd(), POLLIN, deadline) != 0) {
    if (!receive_some(fd(), discarded, SIZE_MAX)) return true;
    discarded.clear();
  }
  return false;
}

void Client::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  if (setsockopt(fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0) {
    throw net::SystemError("setsockopt SO_LINGER");
  }
  socket_.close();
}

}  // namespace harness
