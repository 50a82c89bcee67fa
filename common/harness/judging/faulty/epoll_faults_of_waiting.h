#pragma once

// Faults in what is waited for: room, edges, the end, a newcomer. Each class changes one step.

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

#include "common/harness/judging/faulty/epoll_server.h"
#include "common/net/system_error.h"

namespace harness {

// Stands for never asking when there is room again: after a short send nothing wakes this connection.
class ForgetsToAskForRoom : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  std::uint32_t interest(const Connection& connection) const override {
    return connection.pending.empty() ? EPOLLIN : 0U;
  }
};

// Stands for EPOLLOUT that is asked for after a short send and never taken back.
class NeverTakesEpolloutBack : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  std::uint32_t interest(const Connection& connection) const override {
    return (connection.pending.empty() ? EPOLLIN : 0U) | (connection.was_short_of_room ? EPOLLOUT : 0U);
  }
};

// Stands for asking for both events from the start, with level-triggered epoll.
class AlwaysAsksForRoom : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  std::uint32_t interest(const Connection&) const override { return EPOLLIN | EPOLLOUT; }
};

// Stands for taking recv's 0 for "nothing now": the end of stream is reported again and again.
class IgnoresTheEnd : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void at_end(Connection&) override {}
};

// Stands for a loop that ends at an interrupted wait: SIGSTOP and SIGCONT, a debugger, a suspended laptop.
class EndsAtEintr : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void interrupted() override { throw net::SystemError("epoll_wait", EINTR); }
};

// Stands for serving one client for as long as it has something to say, a little at a time; if it takes its
// replies a little slower than it gets them, the server waits for it.
class ServesTheLoudestToItsEnd : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void serve(Connection& connection, std::uint32_t events) override {
    do {
      EpollServer::serve(connection, events);
    } while (!is_over(connection) && goes_on(connection));
  }
  static bool goes_on(const Connection& connection) {
    if (!connection.pending.empty()) {
      pollfd room{.fd = connection.socket.fd(), .events = POLLOUT, .revents = 0};
      return poll(&room, 1, 300) > 0;  // who reads nothing at all isn't waited for
    }
    int unread = 0;
    return ioctl(connection.socket.fd(), FIONREAD, &unread) == 0 && unread > 0;
  }
  void take(Connection& connection, std::size_t bytes) override {
    for (std::size_t sent = 0; sent < bytes && !connection.broken;) {
      const std::size_t some = std::min<std::size_t>(64, bytes - sent);
      sent += try_to_send(connection, std::span(buffer_).subspan(sent, some));
      if (connection.was_short_of_room) {
        connection.was_short_of_room = false;
        connection.pending.append(buffer_.data() + sent, bytes - sent);
        return;
      }
    }
  }
};

// Stands for edge-triggered epoll as if it were level-triggered: one read an edge, and the rest waits for the
// next.
class ReadsOnceAnEdge : public EdgeServer {
 public:
  using EdgeServer::EdgeServer;

 protected:
  void serve(Connection& connection, std::uint32_t events) override { serve_once(connection, events); }
};

// Stands for ending a turn at a short read, without EPOLLRDHUP: an end that came with the bytes is never
// seen.
class StopsAtAShortRead : public EdgeServer {
 public:
  using EdgeServer::EdgeServer;

 protected:
  void serve(Connection& connection, std::uint32_t events) override {
    int unread = 0;
    do {
      serve_once(connection, events);
    } while (!is_over(connection) && connection.pending.empty() &&
             ioctl(connection.socket.fd(), FIONREAD, &unread) == 0 && unread > 0);
  }
};

// Stands for so many accepts and no more for each event of an edge-triggered listener (often just one): the
// others wait for the next arrival.
class AcceptsFourAnEdge : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  std::uint32_t listener_interest() const override { return EPOLLIN | EPOLLET; }
  void accept_waiting() override {
    for (int i = 0; i < 4; ++i) {
      if (net::FileDescriptor socket = accept_one()) admit(std::move(socket));
    }
  }
};

// Stands for `listen(fd, 5)`, as tutorials have it.
class ListensForFive : public EpollServer {
 public:
  explicit ListensForFive(net::FileDescriptor listener) : EpollServer(std::move(listener)) {
    if (listen(listener_.fd(), 5) < 0) throw net::SystemError("listen");
  }
};

}  // namespace harness
