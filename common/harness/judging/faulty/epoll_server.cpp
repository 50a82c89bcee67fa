#include "common/harness/judging/faulty/epoll_server.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "common/net/system_error.h"

namespace harness {

EpollServer::EpollServer(net::FileDescriptor listener)
    : listener_(std::move(listener)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw net::SystemError("epoll_create1");
  net::set_nonblocking(listener_);
}

void EpollServer::run() {
  epoll_event wanted{};
  wanted.events = listener_interest();
  wanted.data.fd = listener_.fd();
  if (epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, listener_.fd(), &wanted) < 0)
    throw net::SystemError("epoll_ctl ADD");
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int ready = epoll_wait(epoll_.fd(), events.data(), events.size(), -1);
    if (ready < 0 && errno != EINTR) throw net::SystemError("epoll_wait");
    if (ready < 0) {
      interrupted();
    } else {
      take_turns(std::span(events).first(static_cast<std::size_t>(ready)));
    }
  }
}

void EpollServer::take_turns(std::span<const epoll_event> events) {
  for (const epoll_event& event : events) {
    if (event.data.fd == listener_.fd()) {
      accept_waiting();
    } else {
      serve_descriptor(event.data.fd, event.events);
    }
  }
}

void EpollServer::accept_waiting() {
  for (int i = 0; i < 64; ++i) {
    net::FileDescriptor socket = accept_one();
    if (!socket) return;
    admit(std::move(socket));
  }
}

net::FileDescriptor EpollServer::accept_one() {
  for (;;) {
    net::FileDescriptor socket{accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (socket || !spare_.accept_again(listener_.fd(), errno)) return socket;
  }
}

void EpollServer::admit(net::FileDescriptor socket) {
  net::disable_nagle(socket);
  ++admitted_;
  const int fd = socket.fd();
  Connection& connection = connections_[fd];
  connection = Connection{.socket = std::move(socket)};
  watch(connection);
}

void EpollServer::serve_descriptor(int fd, std::uint32_t events) {
  const auto found = connections_.find(fd);
  if (found == connections_.end()) return;
  serve(found->second, events);
  if (is_over(found->second)) {
    close(fd);
  } else {
    watch(found->second);
  }
}

void EpollServer::serve(Connection& connection, std::uint32_t /*events*/) {
  if (connection.pending.empty()) receive(connection);
  if (!connection.broken && !connection.pending.empty()) send_pending(connection);
}

void EpollServer::receive(Connection& connection) {
  const ssize_t received = recv(connection.socket.fd(), buffer_.data(), buffer_.size(), 0);
  if (received == 0) {
    at_end(connection);
  } else if (received > 0) {
    ++connection.reads;
    connection.bytes_read += static_cast<std::size_t>(received);
    take(connection, static_cast<std::size_t>(received));
  } else if (!net::is_try_again(errno)) {
    connection.broken = true;
  }
}

void EpollServer::take(Connection& connection, std::size_t bytes) {
  connection.pending.append(buffer_.data(), bytes);
}

void EpollServer::send_pending(Connection& connection) {
  connection.pending.erase(0, try_to_send(connection, connection.pending));
  if (connection.pending.empty()) connection.pending = {};  // an idle one holds no buffer
}

std::size_t EpollServer::try_to_send(Connection& connection, std::span<const char> bytes) {
  const ssize_t sent = send(connection.socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0 && !net::is_try_again(errno)) connection.broken = true;
  const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  if (taken < bytes.size()) connection.was_short_of_room = true;
  return taken;
}

void EpollServer::watch(Connection& connection) {
  const bool is_new = connection.watched == 0;
  const std::uint32_t wanted = interest(connection);
  if (wanted == connection.watched) return;
  epoll_event event{};
  event.events = wanted;
  event.data.fd = connection.socket.fd();
  connection.watched = wanted == 0 ? EPOLLERR : wanted;  // errors are always reported: 0 stands for "new"
  if (epoll_ctl(epoll_.fd(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, event.data.fd, &event) < 0)
    throw net::SystemError("epoll_ctl");
}

void EpollServer::forget(int fd) {
  if (epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, fd, nullptr) < 0) throw net::SystemError("epoll_ctl DEL");
}

void EdgeServer::serve(Connection& connection, std::uint32_t events) {
  for (std::size_t until = connection.bytes_read + 64 * 1024; connection.bytes_read < until;) {
    const std::size_t before = connection.bytes_read;
    const bool was_pending = !connection.pending.empty();
    EpollServer::serve(connection, events);
    const bool read_nothing = connection.bytes_read == before && !was_pending;
    if (read_nothing || connection.broken || connection.ended || !connection.pending.empty()) return;
  }
  // The budget is used up and no edge may come any more: asking anew reports what is ready once more.
  connection.watched = EPOLLET;
}

}  // namespace harness
