#include "labs/14-million-connections/connections.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "common/net/connection.h"
#include "common/net/system_error.h"

namespace million {

Connections::Connections(std::int64_t first, std::int64_t count, std::int64_t first_listener, Tally& tally)
    : first_(first),
      count_(count),
      next_listener_(first_listener),
      tally_(tally),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw net::SystemError("epoll_create1");
}

Connections::Message Connections::number_of(std::size_t index) const {
  return std::bit_cast<Message>(first_ + static_cast<std::int64_t>(index));
}

void Connections::open(Board& board) {
  connections_.reserve(static_cast<std::size_t>(count_));
  try {
    for (std::int64_t i = 0; i < count_ && board.limit() == Limit::none; ++i) {
      if (i % ephemeral_.quick_connections() == 0) listen_on_next_address();
      open_one(static_cast<std::uint32_t>(i));
      tally_.opened = i + 1;
    }
  } catch (const net::SystemError& error) {
    const Limit met = limit_behind(error.error_number());
    if (met == Limit::none) throw;
    board.stop(met);
  }
  tally_.has_opened = true;
}

void Connections::answer_once_each() {
  std::array<epoll_event, 256> events{};
  const auto all = static_cast<std::int64_t>(connections_.size());
  for (std::int64_t asked = 0; done() < all;) {
    while (asked < all && asked - done() < at_a_time) ask(static_cast<std::size_t>(asked++));
    const int ready = epoll_wait(epoll_.fd(), events.data(), events.size(), patience_ms);
    if (ready < 0 && errno != EINTR) throw net::SystemError("epoll_wait");
    if (ready == 0) break;  // those that are silent now will never answer
    for (int i = 0; i < ready; ++i) {
      const std::uint32_t tag = events[static_cast<std::size_t>(i)].data.u32;
      Connection& connection = connections_[tag / 2];
      if (!connection.client) continue;  // has failed, by an event earlier in this batch
      tag % 2 == server_side ? echo(connection) : check(connection, tag / 2);
    }
  }
  tally_.failed += all - done();
  tally_.has_answered = true;
}

void Connections::listen_on_next_address() {
  listener_ = listen_outside(ephemeral_, loopback_address(next_listener_++));
  address_ = net::Address::of_socket(listener_.fd());
  // What is accepted inherits it: close sends a reset and forgets the connection, instead of a FIN and
  // TIME-WAIT for a minute (socket(7), SO_LINGER). A million of those would be no good end.
  const linger reset{.l_onoff = 1, .l_linger = 0};
  if (setsockopt(listener_.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
    throw net::SystemError("setsockopt SO_LINGER");
}

void Connections::open_one(std::uint32_t index) {
  Connection connection{.client = net::connect_to(address_), .server = {}};
  while (!connection.server) {
    connection.server = net::FileDescriptor{accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!connection.server && errno != EINTR) throw net::SystemError("accept4");
  }
  watch(connection.server, index * 2 + server_side);
  connections_.push_back(std::move(connection));
}

void Connections::watch(const net::FileDescriptor& end, std::uint32_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = tag;
  if (epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, end.fd(), &event) < 0) throw net::SystemError("epoll_ctl ADD");
}

void Connections::ask(std::size_t index) {
  watch(connections_[index].client, static_cast<std::uint32_t>(index) * 2 + client_side);
  const Message number = number_of(index);
  const ssize_t sent = send(connections_[index].client.fd(), number.data(), number.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(number.size())) fail(connections_[index]);  // so little always fits
}

void Connections::echo(Connection& connection) {
  Message bytes{};
  const ssize_t received = recv(connection.server.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (received < 0 && net::is_try_again(errno)) return;
  const auto size = static_cast<std::size_t>(std::max<ssize_t>(received, 0));
  if (size == 0 || send(connection.server.fd(), bytes.data(), size, MSG_NOSIGNAL) != received)
    fail(connection);
}

void Connections::check(Connection& connection, std::size_t index) {
  Message bytes{};
  const ssize_t received = recv(connection.client.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (received < 0 && net::is_try_again(errno)) return;
  const auto size = static_cast<std::size_t>(std::max<ssize_t>(received, 0));
  const Message number = number_of(index);
  const bool right =
      size > 0 && size <= number.size() - connection.confirmed &&
      std::equal(bytes.begin(), bytes.begin() + received, number.begin() + connection.confirmed);
  if (!right) return fail(connection);
  connection.confirmed = static_cast<std::uint8_t>(connection.confirmed + size);
  if (connection.confirmed == number.size()) ++tally_.answered;
}

void Connections::fail(Connection& connection) {
  ++tally_.failed;
  connection.client.close();
  connection.server.close();
}

}  // namespace million
