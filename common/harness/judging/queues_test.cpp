#include "common/harness/judging/queues.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <vector>

#include "common/harness/judging/peer.h"
#include "common/net/address.h"
#include "common/net/listener.h"
#include "common/testing/waiting.h"

using harness::is_under_way;
using harness::Peer;
using harness::Queues;
using harness::queues_of;

TEST_CASE("queues: under way is what one end has handed over and the other has not got") {
  CHECK_FALSE(is_under_way({}));
  CHECK(is_under_way({.far_unacknowledged = 1}));
  CHECK(is_under_way({.near_unacknowledged = 1}));
  CHECK_FALSE(is_under_way({.near_unread = 1, .far_unacknowledged = 1}));
  CHECK_FALSE(is_under_way({.near_unacknowledged = 1, .far_unread = 1}));
}

TEST_CASE("queues: what neither end reads lies in all four places") {
  const net::FileDescriptor listener = net::open_listener(net::Address::resolve("127.0.0.1", 0).front());
  Peer peer(net::Address::of_socket(listener.fd()), 1, 4096);
  const net::FileDescriptor server{accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  REQUIRE(server);
  peer.reads(false);
  peer.say(64 << 20);
  const std::vector<char> block(1 << 20);
  const auto fill = [&] {
    peer.proceed();
    while (send(server.fd(), block.data(), block.size(), MSG_NOSIGNAL) > 0) {
    }
    const Queues queues = queues_of(peer.fd());
    return queues.near_unread > 0 && queues.near_unacknowledged > 0 && queues.far_unread > 0 &&
           queues.far_unacknowledged > 0;
  };
  CHECK(testing::becomes_true(fill));
  CHECK_FALSE(is_under_way(queues_of(peer.fd())));
  peer.close();
  CHECK(queues_of(-1) == Queues{});
}
