#include "common/net/connection.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <thread>

#include "common/net/listener.h"
#include "common/net/system_error.h"

using namespace std::chrono_literals;

namespace {

net::FileDescriptor listener() { return net::open_listener(net::Address::resolve("127.0.0.1", 0)); }

net::FileDescriptor accept_from(const net::FileDescriptor& listener) {
  return net::FileDescriptor{accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
}

}  // namespace

TEST_CASE("connect_to connects, and names the address when nobody listens") {
  net::FileDescriptor server = listener();
  const net::Address address = net::Address::of_socket(server.fd());
  {
    const net::FileDescriptor client = net::connect_to(address);
    CHECK(accept_from(server));
  }
  server.close();
  CHECK_THROWS_WITH_AS(net::connect_to(address),
                       ("connect " + address.to_string() + ": Connection refused").c_str(), net::SystemError);
}

TEST_CASE(
    "of several addresses the first that takes a connection gets it, and where none does, each has its say") {
  net::FileDescriptor server = listener();
  const net::Address address = net::Address::of_socket(server.fd());
  const net::Address nobody = net::Address::resolve("127.0.0.2", address.port()).front();
  int prepared = 0;
  {
    const auto client = net::connect_to({nobody, address}, [&](const net::FileDescriptor&) { ++prepared; });
    CHECK(accept_from(server));
  }
  CHECK(prepared == 2);
  CHECK(net::find_reachable({nobody, address}).to_string() == address.to_string());
  CHECK(net::find_reachable({nobody}).to_string() == nobody.to_string());
  server.close();
  const std::string each = "connect " + nobody.to_string() + ": Connection refused; connect " +
                           address.to_string() + ": Connection refused";
  CHECK_THROWS_WITH_AS(net::connect_to({nobody, address}), each.c_str(), net::SystemError);
  CHECK_THROWS_WITH_AS(net::find_reachable({nobody, address}), each.c_str(), net::SystemError);
}

TEST_CASE("connect gives up on who accepts nobody, and send on who reads nothing, when the time is over") {
  const net::FileDescriptor server = listener();
  const net::Address address = net::Address::of_socket(server.fd());
  REQUIRE(listen(server.fd(), 0) == 0);  // one may wait (listen(2)); who comes then isn't answered
  const net::FileDescriptor client = net::connect_to({address}, net::give_up_after(1s));
  const std::string too_late = "connect " + address.to_string() + ": Connection timed out";
  CHECK_THROWS_WITH_AS(net::connect_to({address}, net::give_up_after(1s)), too_late.c_str(),
                       net::SystemError);
  std::string more_than_fits;
  more_than_fits.resize(50'000'000, 'x');
  CHECK_THROWS_AS(net::send_all(client, more_than_fits), net::SystemError);
}

TEST_CASE("send_all sends more than the buffers hold") {
  const net::FileDescriptor server = listener();
  net::FileDescriptor client = net::connect_to(net::Address::of_socket(server.fd()));
  const net::FileDescriptor connection = accept_from(server);
  std::string sent;
  sent.resize(20'000'000);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i % 251);
  std::jthread sender([&] {
    net::send_all(client, sent);
    client.close();
  });
  std::string received;
  std::string buffer(100'000, '\0');
  ssize_t count = 0;
  while ((count = recv(connection.fd(), buffer.data(), buffer.size(), 0)) > 0) {
    received.append(buffer, 0, static_cast<std::size_t>(count));
  }
  CHECK(count == 0);
  CHECK(received == sent);
}

TEST_CASE("send_all to a peer that has reset is an error and no signal") {
  const net::FileDescriptor server = listener();
  const net::FileDescriptor client = net::connect_to(net::Address::of_socket(server.fd()));
  net::FileDescriptor connection = accept_from(server);
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  REQUIRE(setsockopt(connection.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
  connection.close();
  CHECK_THROWS_WITH_AS(net::send_all(client, std::string("late")), "send: Connection reset by peer",
                       net::SystemError);
  CHECK_THROWS_WITH_AS(net::send_all(client, std::string("later")), "send: Broken pipe", net::SystemError);
}
