// What each process does: opens its share of the connections, both ends, and lets each answer once.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/net/address.h"
#include "common/net/file_descriptor.h"
#include "labs/14-million-connections/limits.h"
#include "labs/14-million-connections/processes.h"

namespace million {

/// The share of one process: both ends of its connections, and one epoll loop for all of them. The server's
/// ends are in its epoll set from the beginning.
class Connections {
 public:
  /// Throws SystemError.
  Connections(std::int64_t first, std::int64_t count, std::int64_t first_listener, Tally& tally);

  /// Opens one connection after the other: connect, and accept at once. So no queue of the kernel ever fills
  /// up, however many there will be. Ends early when the board says so, or when a limit is met, which it
  /// tells the board.
  void open(Board& board);

  /// Every connection's number goes from its client's end to its server's end and back, a few hundred at a
  /// time.
  void answer_once_each();

 private:
  static constexpr std::int64_t at_a_time = 256;
  static constexpr int patience_ms = 10'000;
  static constexpr std::uint32_t client_side = 0;
  static constexpr std::uint32_t server_side = 1;
  using Message = std::array<char, sizeof(std::int64_t)>;

  // The server's end is closed first (members go in reverse order), with a reset: see listen_on_next_address.
  struct Connection {
    net::FileDescriptor client;
    net::FileDescriptor server;
    std::uint8_t confirmed = 0;  // bytes of the answer that have come, all of them right
  };

  // A connection's name is (address, port, address, port). From 127.0.0.1 there are as many connections to
  // one listener as there are ephemeral ports. The next listener has another address, and the same ports are
  // good once more.
  void listen_on_next_address();

  void open_one(std::uint32_t index);

  void watch(const net::FileDescriptor& end, std::uint32_t tag);

  std::int64_t done() const { return tally_.answered + tally_.failed; }
  Message number_of(std::size_t index) const;

  // The client's end is watched from now on: a watch is memory too, and until now nothing could come here.
  void ask(std::size_t index);

  // At the server's end: sends back what has come.
  void echo(Connection& connection);

  // At the client's end: the bytes have to be those of the number, and all of them.
  void check(Connection& connection, std::size_t index);

  // Closed, it is out of the epoll set: counted once, and heard of no more.
  void fail(Connection& connection);

  std::int64_t first_, count_, next_listener_;
  Tally& tally_;
  EphemeralPorts ephemeral_ = EphemeralPorts::read();
  net::FileDescriptor epoll_;
  net::FileDescriptor listener_;
  net::Address address_;
  std::vector<Connection> connections_;
};

}  // namespace million
