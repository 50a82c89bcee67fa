#include "common/demonstration/two_hosts.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <string_view>

#include "common/net/connection.h"
#include "common/net/listener.h"

using demonstration::TwoHosts;

namespace {

// Runs `body` in a child with one thread: there it may go to other networks without taking the other tests
// along. Returns its exit code; an exception is 1, or `skipped`.
int in_a_child(void (*body)()) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int code = 0;
    try {
      body();
    } catch (const demonstration::NotAllowed&) {
      code = demonstration::skipped;
    } catch (const std::exception&) {
      code = 1;
    }
    _exit(code);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void expect(bool holds) {
  if (!holds) throw std::runtime_error("not as expected");
}

bool arrives(const net::FileDescriptor& socket, int milliseconds) {
  pollfd watched{.fd = socket.fd(), .events = POLLIN, .revents = 0};
  return poll(&watched, 1, milliseconds) == 1;
}

void check(void (*body)()) {
  const int code = in_a_child(body);
  if (code == demonstration::skipped) {
    MESSAGE("skipped: this machine allows no network namespaces");
    return;
  }
  CHECK(code == 0);
}

}  // namespace

TEST_CASE("two hosts talk through their cable, not while it is pulled, and again afterwards") {
  check([] {
    const TwoHosts hosts;
    const net::FileDescriptor listener = hosts.listen_there(9000);
    const net::FileDescriptor client = net::connect_to(TwoHosts::there(9000));
    const net::FileDescriptor server{accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
    net::send_all(client, std::string_view("1"));
    char byte = 0;
    expect(recv(server.fd(), &byte, 1, 0) == 1 && byte == '1');
    hosts.pull_cable();
    net::send_all(client, std::string_view("2"));
    expect(!arrives(server, 300));
    hosts.plug_cable_in();
    expect(recv(server.fd(), &byte, 1, 0) == 1 && byte == '2');  // sent again by the kernel
  });
}

TEST_CASE("the two hosts are not this machine: its loopback is not theirs") {
  static const net::FileDescriptor outside = net::open_listener(net::Address::resolve("127.0.0.1", 0));
  check([] {
    const net::Address address = net::Address::of_socket(outside.fd());
    static_cast<void>(net::connect_to(address));
    const TwoHosts hosts;
    try {
      static_cast<void>(net::connect_to(address));
    } catch (const std::exception&) {
      return;
    }
    expect(false);
  });
}
