#include "common/net/address.h"

#include <doctest/doctest.h>
#include <netinet/in.h>

#include <cerrno>
#include <string>

#include "common/net/file_descriptor.h"
#include "common/net/system_error.h"

using net::Address;

TEST_CASE("a numeric IPv4 address resolves to itself") {
  const Address address = Address::resolve("127.0.0.1", 9000).front();
  CHECK(address.family() == AF_INET);
  CHECK(address.port() == 9000);
  CHECK(address.size() == sizeof(sockaddr_in));
  CHECK(address.to_string() == "127.0.0.1:9000");
  const auto* in = reinterpret_cast<const sockaddr_in*>(address.data());
  CHECK(ntohl(in->sin_addr.s_addr) == INADDR_LOOPBACK);
}

TEST_CASE("an IPv6 address is written in brackets") {
  const Address address = Address::resolve("::1", 65535).front();
  CHECK(address.family() == AF_INET6);
  CHECK(address.port() == 65535);
  CHECK(address.size() == sizeof(sockaddr_in6));
  CHECK(address.to_string() == "[::1]:65535");
}

TEST_CASE("localhost is the loopback, at each of its addresses") {
  try {
    for (const Address& address : Address::resolve("localhost", 1)) {
      CAPTURE(address.to_string());
      CHECK((address.to_string() == "127.0.0.1:1" || address.to_string() == "[::1]:1"));
    }
  } catch (const net::UnresolvedHost& error) {
    MESSAGE("skipped: ", error.what());
  }
}

TEST_CASE("a host that does not resolve is named") {
  const std::string host(64, 'x');  // a label has at most 63 characters: no name server needs to be asked
  try {
    Address::resolve(host, 80);
    FAIL("it resolved");
  } catch (const net::UnresolvedHost& error) {
    CHECK(std::string(error.what()).starts_with("host '" + host + "' does not resolve: "));
  }
}

TEST_CASE("the address of a socket tells which port bind has chosen") {
  const Address any_port = Address::resolve("127.0.0.1", 0).front();
  CHECK(any_port.port() == 0);
  const net::FileDescriptor socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  REQUIRE(bind(socket_.fd(), any_port.data(), any_port.size()) == 0);
  const Address bound = Address::of_socket(socket_.fd());
  CHECK(bound.port() != 0);
  CHECK(bound.to_string() == "127.0.0.1:" + std::to_string(bound.port()));
}

TEST_CASE("the address of what is no socket is an error") {
  try {
    Address::of_socket(-1);
    FAIL("no exception");
  } catch (const net::SystemError& error) {
    CHECK(error.error_number() == EBADF);
  }
}

TEST_CASE("an address that was never set has no text of its own and no size") {
  CHECK(Address().to_string() == "?");
  CHECK(Address().size() == 0);
}
