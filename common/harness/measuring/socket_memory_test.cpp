#include "common/harness/measuring/socket_memory.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

#include "common/harness/load/client.h"
#include "common/net/listener.h"

using namespace std::chrono_literals;
using harness::socket_memory_of_port;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t unread = 50'000;

// A listener with one connection, whose server's end is never read.
struct Pair {
  explicit Pair(const std::string& host)
      : listener(net::open_listener(net::Address::resolve(host, 0))),
        client(net::Address::of_socket(listener.fd())),
        accepted(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC)) {
    REQUIRE(accepted);
  }
  std::uint16_t port() const { return net::Address::of_socket(listener.fd()).port(); }

  net::FileDescriptor listener;
  harness::Client client;
  net::FileDescriptor accepted;
};

bool holds_at_least(std::uint16_t port, std::size_t bytes) {
  const auto deadline = Clock::now() + 10s;
  while (socket_memory_of_port(port).bytes < static_cast<std::int64_t>(bytes)) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

}  // namespace

TEST_CASE("a listener without connections holds nothing and counts nothing") {
  const net::FileDescriptor listener = net::open_listener(net::Address::resolve("127.0.0.1", 0));
  const auto memory = socket_memory_of_port(net::Address::of_socket(listener.fd()).port());
  CHECK(memory.sockets == 0);
  CHECK(memory.bytes == 0);
}

TEST_CASE("unread bytes show up at the end that has not read them, and are gone when it has") {
  Pair pair("127.0.0.1");
  CHECK(socket_memory_of_port(pair.port()).sockets == 1);
  const auto idle = socket_memory_of_port(pair.port()).bytes;
  CHECK(idle < static_cast<std::int64_t>(unread));
  pair.client.send_all(std::string(unread, 'u'), 5s);
  CHECK(holds_at_least(pair.port(), unread));

  std::string taken(unread, '\0');
  REQUIRE(recv(pair.accepted.fd(), taken.data(), taken.size(), MSG_WAITALL) == static_cast<ssize_t>(unread));
  CHECK(socket_memory_of_port(pair.port()).bytes < static_cast<std::int64_t>(unread));
}

TEST_CASE("other ports are not counted") {
  const Pair quiet("127.0.0.1");
  Pair busy("127.0.0.1");
  busy.client.send_all(std::string(unread, 'u'), 5s);
  CHECK(holds_at_least(busy.port(), unread));
  CHECK(socket_memory_of_port(quiet.port()).sockets == 1);
  CHECK(socket_memory_of_port(quiet.port()).bytes < static_cast<std::int64_t>(unread));
}

TEST_CASE("every connection of a port is counted") {
  const Pair pair("127.0.0.1");
  const net::Address server = net::Address::of_socket(pair.listener.fd());
  const harness::Client second(server);
  const harness::Client third(server);
  CHECK(socket_memory_of_port(pair.port()).sockets == 3);  // accepted or not
}

TEST_CASE("what remains of a connection that the server has closed is none") {
  Pair pair("127.0.0.1");
  pair.accepted.close();  // the end that closes first stays in TIME-WAIT
  CHECK(pair.client.at_end(10s));
  const std::uint16_t port = pair.port();
  { const harness::Client closes = std::move(pair.client); }
  const auto deadline = Clock::now() + 10s;
  while (socket_memory_of_port(port).sockets != 0 && Clock::now() < deadline)
    std::this_thread::sleep_for(2ms);
  CHECK(socket_memory_of_port(port).sockets == 0);
}

TEST_CASE("connections over IPv6 are counted where there are any") {
  try {
    net::open_listener(net::Address::resolve("::1", 0));
  } catch (const std::exception& error) {
    MESSAGE("skipped: no IPv6 here (", error.what(), ")");
    return;
  }
  Pair pair("::1");
  pair.client.send_all(std::string(unread, 'u'), 5s);
  CHECK(holds_at_least(pair.port(), unread));
  CHECK(socket_memory_of_port(pair.port()).sockets == 1);
}
