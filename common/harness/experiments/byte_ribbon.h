#pragma once

#include <string>
#include <vector>

#include "common/harness/experiments/experiment.h"

namespace harness {

/// The byte ribbon: which bytes of a stream each send of a client and each read of a late server holds.
/// `sticky`: small messages that one read takes together. `split`: larger messages than a read holds.
/// `framed`: reads that cut messages anywhere, and a decoder that gives them out whole.
std::vector<Scenario> byte_ribbon_scenarios();

/// Runs the pair of programs of lab 02. The order is certain: the server is halted until the kernel has all
/// bytes for it and the client has ended. Throws std::runtime_error when a program fails, or its bytes don't
/// add up.
Outcome conduct_byte_ribbon(const Run& plan, const Subject& scenario, const Conditions& conditions);

/// What one pair of programs is expected to exchange.
struct Stream {
  std::size_t messages = 0;
  std::size_t message_bytes = 0;
  std::size_t header_bytes = 0;  ///< before each message; 0: none

  std::size_t bytes() const { return messages * (header_bytes + message_bytes); }
};

/// What the two programs said of it.
struct Exchange {
  std::vector<std::size_t> sends;  ///< bytes of each call, in order
  std::vector<std::size_t> reads;
  std::vector<std::string> encoded;  ///< the lines `message 1: …` of the framed client
  std::vector<std::string> decoded;  ///< and those of the framed server
};

/// The numbers of the lines `PREFIX 14 bytes` and `PREFIX 14 bytes: …`; other lines are passed over. Throws
/// std::runtime_error for a line that begins with the prefix and goes on otherwise.
std::vector<std::size_t> byte_counts(const std::vector<std::string>& lines, const std::string& prefix);

/// CSV `kind,first_byte,bytes,message`: the layout of the stream (kinds header and message), then the calls
/// (sent and read; no message), then what the server took for messages (decoded). Throws std::runtime_error
/// when the calls don't hold exactly the stream's bytes, or when other messages came out than went in.
std::string ribbon_csv(const Stream& stream, const Exchange& exchange);

}  // namespace harness
