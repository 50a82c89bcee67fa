#pragma once

// Faults that lose, repeat, invent or exchange bytes. Each class changes one step of EpollServer.

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "common/harness/judging/faulty/epoll_server.h"

namespace harness {

// Stands for ignoring the result of send: what it didn't take is thrown away.
class OneSend : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void send_pending(Connection& connection) override {
    try_to_send(connection, connection.pending);
    connection.pending = {};
  }
};

// Stands for a queue whose head isn't moved: after a short send the next begins at the start of the buffer.
class ResendsFromTheStart : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void send_pending(Connection& connection) override {
    if (try_to_send(connection, connection.pending) == connection.pending.size()) connection.pending = {};
  }
};

// Stands for sending the buffer and not what is in it: some bytes of memory stand behind a short message.
class SendsMoreThanCame : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void take(Connection& connection, std::size_t bytes) override {
    EpollServer::take(connection, std::max<std::size_t>(bytes, 22));
  }
};

// Stands for `send(fd, buffer, sizeof buffer, 0)`.
class SendsTheWholeBuffer : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void take(Connection& connection, std::size_t /*bytes*/) override {
    EpollServer::take(connection, buffer_.size());
  }
};

// Stands for a page that was freed while the kernel still sent it: zeros, far into a stream.
class ZerosFarIntoAStream : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void take(Connection& connection, std::size_t bytes) override {
    constexpr std::size_t far = 2'000'000;
    if (connection.bytes_read > far && connection.bytes_read - bytes <= far)
      std::fill_n(buffer_.begin(), std::min<std::size_t>(bytes, 1000), '\0');
    EpollServer::take(connection, bytes);
  }
};

// Base of two faults: it reads on while replies wait, up to a bound.
class ReadsWhileRepliesWait : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  static constexpr std::size_t bound = 512 * 1024;

  void serve(Connection& connection, std::uint32_t events) override {
    if (events & ~static_cast<std::uint32_t>(EPOLLOUT) && connection.pending.size() < bound)
      receive(connection);
    if (!connection.broken && !connection.pending.empty()) send_pending(connection);
  }
  std::uint32_t interest(const Connection& connection) const override {
    const bool has_room = connection.pending.size() < bound && !connection.ended;
    return (has_room ? EPOLLIN : 0U) | (connection.pending.empty() ? 0U : EPOLLOUT);
  }
};

// Stands for a queue whose newest part is sent first, once there is more than one.
class SendsTheNewestFirst : public ReadsWhileRepliesWait {
 public:
  using ReadsWhileRepliesWait::ReadsWhileRepliesWait;

 protected:
  void take(Connection& connection, std::size_t bytes) override {
    connection.pending.insert(0, buffer_.data(), bytes);
  }
};

// Stands for a ring whose writer overtakes its reader: the oldest bytes that wait are lost.
class OverwritesTheOldest : public ReadsWhileRepliesWait {
 public:
  using ReadsWhileRepliesWait::ReadsWhileRepliesWait;

 protected:
  void take(Connection& connection, std::size_t bytes) override {
    ReadsWhileRepliesWait::take(connection, bytes);
    constexpr std::size_t size_of_ring = 256 * 1024;
    if (connection.pending.size() > size_of_ring)
      connection.pending.erase(0, connection.pending.size() - size_of_ring);
  }
};

// Stands for the examples that close when the client has ended its direction, with the queue unsent. While
// nothing waits, they are right.
class ClosesWithTheQueueUnsent : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void serve(Connection& connection, std::uint32_t events) override {
    const bool has_a_queue = connection.was_short_of_room;
    if (has_a_queue && (events & EPOLLRDHUP)) {
      connection.broken = true;
    } else {
      EpollServer::serve(connection, events);
    }
  }
  std::uint32_t interest(const Connection& connection) const override {
    return EpollServer::interest(connection) | EPOLLRDHUP;
  }
};

// Stands for one buffer that two connections use under load: a client gets another one's reply.
class SwapsBuffers : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void take(Connection& connection, std::size_t bytes) override {
    const bool under_load = connections_.size() > 60 && connections_.size() < 75;
    std::string reply(buffer_.data(), bytes);
    if (under_load && connection.reads > 2 && last_reply_.size() == bytes) {
      connection.pending += last_reply_;
    } else {
      connection.pending += reply;
    }
    last_reply_ = std::move(reply);
  }

 private:
  std::string last_reply_;
};

}  // namespace harness
