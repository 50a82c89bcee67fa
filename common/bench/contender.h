#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/harness/processes/interruption.h"

namespace bench {

/// A server that takes part: its name in the report and how it is started.
struct Server {
  std::string name;
  std::vector<std::string> command;
};

/// What a server does a second of CPU time: requests that it answers, or lines that it delivers.
struct Speed {
  double both_ends = 0;  ///< of server and clients
  double server_alone = 0;
};

/// Of so much work, in so much CPU time of both ends.
Speed speed_of(std::uint64_t work, std::chrono::nanoseconds clients, std::chrono::nanoseconds server);

/// A server in a pair, with its clients. While it isn't its turn, both ends are silent and use no CPU time.
class Contender {
 public:
  Contender() = default;
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;
  virtual ~Contender() = default;

  /// Works for a short time, always the same.
  virtual void take_turn() = 0;
  /// Ends the clients; before that, the server's CPU time is read. To be called once, after the last turn.
  /// Throws harness::ServerError if a client was not served right.
  virtual Speed finish() = 0;
};

/// Starts the server and its clients, all on this core. `interruption` must outlive the contender. Throws
/// harness::ServerError, harness::Interrupted, net::SystemError.
using Begin = std::unique_ptr<Contender> (*)(const Server& server, int core,
                                             const harness::Interruption& interruption);

/// An echo server: 50 connections, all speaking, 14-byte messages, closed loop.
std::unique_ptr<Contender> begin_echo(const Server& server, int core,
                                      const harness::Interruption& interruption);

/// A chat room: one speaker, 1,000 listeners, lines of 64 bytes, the next one when all have heard the last.
std::unique_ptr<Contender> begin_room(const Server& server, int core,
                                      const harness::Interruption& interruption);

}  // namespace bench
