#pragma once

// Faults when a client leaves, and what it leaves behind. Each class changes one step of EpollServer.

#include <fcntl.h>
#include <sys/socket.h>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/harness/judging/faulty/epoll_server.h"
#include "common/net/system_error.h"

namespace harness {

// Stands for a send without MSG_NOSIGNAL where SIGPIPE isn't ignored.
class DiesOfSigpipe : public EpollServer {
 public:
  explicit DiesOfSigpipe(net::FileDescriptor listener) : EpollServer(std::move(listener)) {
    if (std::signal(SIGPIPE, SIG_DFL) == SIG_ERR) throw net::SystemError("signal SIGPIPE");
  }

 protected:
  void send_pending(Connection& connection) override {
    const ssize_t sent =
        send(connection.socket.fd(), connection.pending.data(), connection.pending.size(), 0);
    if (sent > 0) connection.pending.erase(0, static_cast<std::size_t>(sent));
    if (sent < 0 && !net::is_try_again(errno)) connection.broken = true;
  }
};

// Stands for a handler that reads the end and keeps the connection.
class NeverCloses : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void at_end(Connection& connection) override {
    connection.ended = true;
    forget(connection.socket.fd());  // it would be reported again and again: that is another fault
  }
  bool is_over(const Connection& connection) const override { return connection.broken; }
  std::uint32_t interest(const Connection& connection) const override {
    return connection.ended ? connection.watched : EpollServer::interest(connection);
  }
};

// Stands for connections that are swept up at the next opportunity: here, when another client comes.
class ClosesAtTheNextArrival : public NeverCloses {
 public:
  using NeverCloses::NeverCloses;

 protected:
  void accept_waiting() override {
    std::erase_if(connections_,
                  [](const auto& entry) { return entry.second.ended && entry.second.pending.empty(); });
    NeverCloses::accept_waiting();
  }
};

// Stands for shutdown in place of close: the client sees an end, the descriptor stays.
class ShutsDownAndNeverCloses : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void close(int fd) override {
    Connection& connection = connections_.at(fd);
    shutdown(fd, SHUT_RDWR);  // of one that was reset: ENOTCONN
    forget(fd);               // else it would be reported again and again
    left_.push_back(std::move(connection.socket));
    EpollServer::close(fd);
  }

 private:
  std::vector<net::FileDescriptor> left_;
};

// Stands for closing a number twice: what hung up is closed, and once more when another client has got that
// number.
class ClosesANumberTwice : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void serve(Connection& connection, std::uint32_t events) override {
    if (events & (EPOLLHUP | EPOLLERR)) noted_.insert(connection.socket.fd());
    EpollServer::serve(connection, events);
  }
  void admit(net::FileDescriptor socket) override {
    const int fd = socket.fd();
    EpollServer::admit(std::move(socket));
    if (noted_.erase(fd) > 0) close(fd);
  }

 private:
  std::set<int> noted_;
};

// Stands for a descriptor that each client leaves: a log, a timer, a pipe. The first ones leave none.
class LeaksADescriptor : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void admit(net::FileDescriptor socket) override {
    EpollServer::admit(std::move(socket));
    if (admitted_ > 150) left_.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }

 private:
  std::vector<net::FileDescriptor> left_;
};

// Stands for an entry of a table, a log or a closure that outlives its connection.
class LeaksAKilobyte : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void admit(net::FileDescriptor socket) override {
    EpollServer::admit(std::move(socket));
    left_.emplace_back(1024, 'x');
  }

 private:
  std::vector<std::string> left_;
};

// Stands for a table of clients whose slots are never freed: so many clients ever.
class NeverFreesSlots : public EpollServer {
 public:
  using EpollServer::EpollServer;

 protected:
  void admit(net::FileDescriptor socket) override {
    constexpr std::size_t clients_ever = 1150;
    if (admitted_ < clients_ever) EpollServer::admit(std::move(socket));
  }
};

}  // namespace harness
