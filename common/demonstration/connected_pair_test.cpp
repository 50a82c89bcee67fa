#include "common/demonstration/connected_pair.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <vector>

#include "common/net/connection.h"

using demonstration::ConnectedPair;

namespace {

int size_of(const net::FileDescriptor& socket, int option) {
  int bytes = 0;
  socklen_t size = sizeof(bytes);
  REQUIRE(getsockopt(socket.fd(), SOL_SOCKET, option, &bytes, &size) == 0);
  return bytes;
}

}  // namespace

TEST_CASE("a connected pair is connected, in both directions") {
  const ConnectedPair pair = demonstration::connected_pair();
  for (const auto& [from, to] : {std::pair{&pair.ours, &pair.peer}, std::pair{&pair.peer, &pair.ours}}) {
    net::send_all(*from, std::string_view("hello"));
    std::array<char, 5> received{};
    REQUIRE(recv(to->fd(), received.data(), received.size(), MSG_WAITALL) == 5);
    CHECK(std::string_view(received.data(), received.size()) == "hello");
  }
}

TEST_CASE("the buffers of a pair are those that were asked for, doubled by the kernel, at both ends") {
  const ConnectedPair pair = demonstration::connected_pair({.send = 20'000, .receive = 30'000});
  for (const net::FileDescriptor* const end : {&pair.ours, &pair.peer}) {
    CHECK(size_of(*end, SO_SNDBUF) == 40'000);
    CHECK(size_of(*end, SO_RCVBUF) == 60'000);
  }
}

TEST_CASE("fill sends what the buffers hold, and says how much that is") {
  ConnectedPair pair = demonstration::connected_pair({.send = 20'000, .receive = 20'000});
  const std::size_t taken = demonstration::fill(pair.ours);
  CHECK(taken > 0);
  pair.ours.close();
  std::vector<char> buffer(10'000);
  std::size_t received = 0;
  for (ssize_t count = 0; (count = recv(pair.peer.fd(), buffer.data(), buffer.size(), 0)) > 0;) {
    received += static_cast<std::size_t>(count);
  }
  CHECK(received == taken);
}

TEST_CASE("reset_on_close makes close a reset") {
  ConnectedPair pair = demonstration::connected_pair();
  demonstration::reset_on_close(pair.peer);
  pair.peer.close();
  char byte = 0;
  CHECK(recv(pair.ours.fd(), &byte, 1, 0) == -1);
  CHECK(errno == ECONNRESET);
}
