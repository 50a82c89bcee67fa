#include "common/harness/processes/listening.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "common/net/listener.h"

TEST_CASE("listening addresses: those of the asked processes, of the asked port") {
  const net::FileDescriptor loopback = net::open_listener(net::Address::resolve("127.0.0.1", 0).front());
  const net::FileDescriptor any = net::open_listener(net::Address::resolve("0.0.0.0", 0).front());
  const net::Address first = net::Address::of_socket(loopback.fd());
  const net::Address second = net::Address::of_socket(any.fd());
  const auto all = harness::listening_addresses({getpid()});
  CHECK(all.size() >= 2);
  const auto found = harness::listening_addresses({getpid()}, first.port());
  REQUIRE(found.size() == 1);
  CHECK(found.front().to_string() == first.to_string());
  CHECK(found.front().is_loopback());
  const auto other = harness::listening_addresses({getpid()}, second.port());
  REQUIRE(other.size() == 1);
  CHECK(other.front().is_any());
  CHECK_FALSE(other.front().is_loopback());
  CHECK(harness::listening_addresses({getppid()}, first.port()).empty());
}

TEST_CASE("listening addresses: IPv6") {
  net::FileDescriptor listener;
  try {
    listener = net::open_listener(net::Address::resolve("::1", 0).front());
  } catch (const std::exception& error) {
    MESSAGE("no IPv6 here, skipped: " << error.what());
    return;
  }
  const auto found = harness::listening_addresses({getpid()}, net::Address::of_socket(listener.fd()).port());
  REQUIRE(found.size() == 1);
  CHECK(found.front().to_string() == net::Address::of_socket(listener.fd()).to_string());
  CHECK(found.front().is_loopback());
}
