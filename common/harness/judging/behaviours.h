#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/harness/judging/finding.h"
#include "common/harness/judging/trial.h"

namespace harness {

/// A question about a server, and the experiment that answers it.
struct Behaviour {
  std::string name;
  std::string question;  ///< in a sentence that "yes" completes well
  /// Conducts it on a server that has just been started. Returns a finding, or throws it as Decided.
  Finding (*check)(Trial&);
  /// Returns when the server has seen that the check's clients have left: how it ended of that; none: it
  /// runs. How a client gets an answer is the servers' protocol.
  std::optional<std::string> (*end_after_departures)(Trial&) = [](Trial& trial) {
    return trial.end_after_departures();
  };
};

/// All that echo servers are asked, in the order of the matrix. docs/behaviours.md tells more of each.
const std::vector<Behaviour>& behaviours();

/// Starts a server of its own (unless it runs elsewhere) and asks. Throws ServerError when the server can't
/// be started, Interrupted; whatever else goes wrong is a finding. A *no* says how the server fares, and its
/// last words.
Finding find_out(const Behaviour& behaviour, const Target& target, const Interruption& interruption);

// The checks, by what they are about; behaviours() lists them.

// checks_of_bytes.cpp
Finding echoes_exactly(Trial& trial);
Finding serves_many(Trial& trial);
Finding slow_reader_gets_everything(Trial& trial);

// checks_of_waiting.cpp
Finding replies_out_of_order(Trial& trial);
Finding silent_client_stops_no_one(Trial& trial);
Finding slow_reader_stops_no_one(Trial& trial);
Finding slow_reader_memory_bounded(Trial& trial);
Finding flood_stops_no_one(Trial& trial);

// checks_of_ends.cpp
Finding half_close_complete(Trial& trial);
Finding closes_after_the_end(Trial& trial);
Finding survives_resets(Trial& trial);
Finding survives_leaving(Trial& trial);

// checks_of_limits.cpp
Finding takes_a_burst(Trial& trial);
Finding survives_fd_exhaustion(Trial& trial);
Finding more_than_1024(Trial& trial);

// checks_of_rest.cpp
Finding idle_costs_no_cpu(Trial& trial);
Finding leaks_nothing(Trial& trial);
Finding leaves_no_zombies(Trial& trial);

// checks_of_life.cpp
Finding survives_stop_and_continue(Trial& trial);
Finding stops_cleanly(Trial& trial);
Finding restarts_on_its_port(Trial& trial);
Finding listens_on_loopback(Trial& trial);

}  // namespace harness
