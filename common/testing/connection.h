#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <string>

#include "common/net/address.h"
#include "common/net/connection.h"
#include "common/net/file_descriptor.h"

namespace testing {

/// A test's connection to a server; none of its calls waits longer than 10 s.
class Connection {
 public:
  /// Throws net::SystemError, as send does.
  explicit Connection(const net::Address& server) : socket_(net::connect_to(server)) {
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    REQUIRE(setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
    REQUIRE(setsockopt(socket_.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0);
  }

  void send(const std::string& bytes) { net::send_all(socket_, bytes); }

  /// As many bytes as that; fewer when the stream has ended before, was reset, or no more came in time.
  std::string receive(std::size_t count) {
    std::string received(count, '\0');
    std::size_t so_far = 0;
    while (so_far < count) {
      const ssize_t came = recv(socket_.fd(), &received[so_far], count - so_far, 0);
      if (came <= 0) break;
      so_far += static_cast<std::size_t>(came);
    }
    received.resize(so_far);
    return received;
  }

 private:
  net::FileDescriptor socket_;
};

}  // namespace testing
