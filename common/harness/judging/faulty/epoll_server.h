#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "common/net/file_descriptor.h"
#include "common/net/listener.h"

namespace harness {

/// The right server of faulty-epoll.cpp: one thread, level-triggered epoll, a virtual function a step. A
/// connection waits for reading or for writing, never both.
class EpollServer {
 public:
  /// Throws net::SystemError.
  explicit EpollServer(net::FileDescriptor listener);
  EpollServer(const EpollServer&) = delete;
  EpollServer& operator=(const EpollServer&) = delete;
  virtual ~EpollServer() = default;

  /// Serves for ever. Throws net::SystemError when epoll or the listener fail.
  void run();

 protected:
  struct Connection {
    net::FileDescriptor socket;
    std::string pending = {};   // received, not yet sent back
    bool ended = false;         // the client has ended its direction
    bool broken = false;        // nothing more can come or go
    std::uint32_t watched = 0;  // the events that epoll reports
    int reads = 0;
    std::size_t bytes_read = 0;
    bool was_short_of_room = false;  // a send has not taken all
  };

  /// What the listener is watched for.
  virtual std::uint32_t listener_interest() const { return EPOLLIN; }
  /// One batch of events, in the order in which epoll reports them.
  virtual void take_turns(std::span<const epoll_event> events);
  /// epoll_wait has failed with EINTR: on Linux it does after SIGSTOP and SIGCONT, too (signal(7)).
  virtual void interrupted() {}
  virtual void accept_waiting();
  virtual void admit(net::FileDescriptor socket);
  /// One turn of a connection that is ready.
  virtual void serve(Connection& connection, std::uint32_t events);
  virtual void receive(Connection& connection);
  /// What `bytes` bytes in the buffer become: pending.
  virtual void take(Connection& connection, std::size_t bytes);
  virtual void at_end(Connection& connection) { connection.ended = true; }
  virtual void send_pending(Connection& connection);
  virtual bool is_over(const Connection& connection) const {
    return connection.broken || (connection.ended && connection.pending.empty());
  }
  virtual void close(int fd) { connections_.erase(fd); }  // which also takes it out of the epoll set
  virtual std::uint32_t interest(const Connection& connection) const {
    return connection.pending.empty() ? EPOLLIN : EPOLLOUT;
  }

  /// Calls send once. Returns how many bytes were taken, 0 when there is no room; marks what is broken.
  static std::size_t try_to_send(Connection& connection, std::span<const char> bytes);
  /// Adds it to the epoll set, or changes what it is watched for.
  void watch(Connection& connection);
  /// Takes it out of the epoll set. close does that too, once no other descriptor means the same socket.
  void forget(int fd);
  /// The next client that waits; none when there is none.
  net::FileDescriptor accept_one();
  /// Serves the one that has this descriptor, if there is one.
  void serve_descriptor(int fd, std::uint32_t events);

  const net::FileDescriptor listener_;
  std::map<int, Connection> connections_;  // by descriptor
  std::array<char, 16 * 1024> buffer_{};   // one for all: between two turns it holds nothing
  std::size_t admitted_ = 0;

 private:
  net::FileDescriptor epoll_;
  net::SpareDescriptor spare_;
};

/// The same, edge-triggered: a turn goes on until the kernel says EAGAIN, or its budget is used up.
class EdgeServer : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void serve(Connection& connection, std::uint32_t events) override;
  /// As if it were level-triggered: one read, and the rest when it is told again.
  void serve_once(Connection& connection, std::uint32_t events) { EpollServer::serve(connection, events); }
  std::uint32_t interest(const Connection&) const override { return EPOLLIN | EPOLLOUT | EPOLLET; }
};

}  // namespace harness
