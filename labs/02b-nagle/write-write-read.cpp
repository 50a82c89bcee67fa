// write-write-read: a request in two sends, then the answer: what Nagle's algorithm and delayed ACKs make of
// it.
//
// Run:       build/bin/write-write-read --rounds 20
//            build/bin/write-write-read --rounds 20 --nodelay
// Look for:  without --nodelay most rounds take about 40 ms, on one machine and with nothing to do. The
//            client's kernel holds the second send back until the first is acknowledged (Nagle's algorithm);
//            the server's kernel hopes to send that ACK along with an answer, and delays it; and the server
//            can't answer half a request. With --nodelay, or with one send for the whole request
//            (--one-send), nobody waits.

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include "common/net/command_line.h"
#include "common/net/connection.h"
#include "common/net/listener.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

constexpr std::size_t header_size = 4;
using Request = std::array<char, 14>;  // a header of 4 bytes, then 10 more

// False when the stream ends before all of `wanted` is there.
bool receive_whole(const net::FileDescriptor& connection, std::span<char> wanted) {
  while (!wanted.empty()) {
    const ssize_t received = recv(connection.fd(), wanted.data(), wanted.size(), 0);
    if (received < 0 && errno != EINTR) throw net::SystemError("recv");
    if (received == 0) return false;
    if (received > 0) wanted = wanted.subspan(static_cast<std::size_t>(received));
  }
  return true;
}

// The other end: answers each whole request with as many bytes, in one send.
void serve(const net::FileDescriptor& connection) try {
  for (Request request{}; receive_whole(connection, request);) net::send_all(connection, request);
} catch (const std::exception& error) {
  net::say("write-write-read", error.what());  // the client notices when the connection closes
}

std::int64_t round_us(const net::FileDescriptor& connection, bool one_send) {
  const Request request{'\0', '\0', '\0', '\x0a', 'h', 'o', 'w', ' ', 'm', 'a', 'n', 'y', '?', '\n'};
  Request answer{};
  const auto start = std::chrono::steady_clock::now();
  if (one_send) {
    net::send_all(connection, request);
  } else {
    net::send_all(connection, std::span(request).first(header_size));
    net::send_all(connection, std::span(request).subspan(header_size));
  }
  if (!receive_whole(connection, answer))
    throw std::runtime_error("the server's end has closed the connection");
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start)
      .count();
}

struct Connection {
  net::FileDescriptor client, server;
};

Connection connect_to_ourselves() {
  const net::FileDescriptor listener = net::open_listener(net::Address::resolve("127.0.0.1", 0));
  net::FileDescriptor client = net::connect_to(net::Address::of_socket(listener.fd()));
  net::FileDescriptor server{accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (!server) throw net::SystemError("accept4");
  return {std::move(client), std::move(server)};
}

int run(std::int64_t rounds, bool nodelay, bool one_send) {
  auto [client, server] = connect_to_ourselves();
  if (nodelay) net::disable_nagle(client);
  const std::jthread server_thread([connection = std::move(server)] { serve(connection); });
  const net::FileDescriptor connection =
      std::move(client);  // closed before the thread is waited for, which ends it
  std::vector<std::int64_t> durations;
  for (std::int64_t round = 1; round <= rounds; ++round) {
    durations.push_back(round_us(connection, one_send));
    fmt::print("round {}: {} us\n", round, durations.back());
  }
  std::ranges::sort(durations);
  fmt::print("median {} us, fastest {} us, slowest {} us\n", durations[durations.size() / 2],
             durations.front(), durations.back());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t rounds = 200;
  bool nodelay = false;
  bool one_send = false;
  net::CommandLine options("write-write-read", "Times requests that go out in two sends.");
  options.number("--rounds", rounds, 1, 100'000, "requests, one after the other");
  options.flag("--nodelay", nodelay, "sets TCP_NODELAY");
  options.flag("--one-send", one_send, "sends each request with one send");
  options.parse(argc, argv);
  return net::run_program("write-write-read", [&] {
    if (std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ) != 0) throw net::SystemError("setvbuf");
    return run(rounds, nodelay, one_send);
  });
}
