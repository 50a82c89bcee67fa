#include "common/harness/processes/reserved_port.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <fstream>
#include <set>
#include <vector>

#include "common/net/address.h"
#include "common/net/listener.h"
#include "common/net/system_error.h"

using harness::ReservedPort;

TEST_CASE("reserved ports differ, can be listened on, and are none that the kernel gives out") {
  int first_given_out = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first_given_out;
  std::vector<ReservedPort> reserved(300);  // of some 20,000: by chance alone two would be equal
  std::set<std::uint16_t> ports;
  for (const ReservedPort& each : reserved) {
    ports.insert(each.port());
    if (first_given_out >= 20'000) CHECK(each.port() < first_given_out);
  }
  CHECK(ports.size() == reserved.size());
  const auto listener = net::open_listener(net::Address::resolve("127.0.0.1", *ports.begin()));
  CHECK(listener);
}

TEST_CASE("a port that somebody listens on isn't reserved, and one that was given back is free again") {
  std::uint16_t given_back = 0;
  {
    const ReservedPort reserved;
    given_back = reserved.port();
  }
  const auto listener = net::open_listener(net::Address::resolve("127.0.0.1", given_back));
  CHECK(net::Address::of_socket(listener.fd()).port() == given_back);
}

TEST_CASE("a port is not free while somebody listens on it, nor while a connection lingers in TIME-WAIT") {
  const ReservedPort reserved;
  REQUIRE(harness::is_free(reserved.port()));
  {
    const auto address = net::Address::resolve("127.0.0.1", reserved.port()).front();
    const auto listener = net::open_listener(address);
    CHECK_FALSE(harness::is_free(reserved.port()));
    const net::FileDescriptor client{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(connect(client.fd(), address.data(), address.size()) == 0);
    net::FileDescriptor connection{accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
    REQUIRE(connection);
    connection.close();  // first of the two: its end waits
  }
  CHECK_FALSE(harness::is_free(reserved.port()));
  CHECK(net::open_listener(net::Address::resolve("127.0.0.1", reserved.port())));  // which sets SO_REUSEADDR
}
