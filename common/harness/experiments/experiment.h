#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/harness/measuring/measurement.h"
#include "common/harness/processes/target.h"

namespace harness {

/// A point that takes so long that only these subjects are asked, and once.
struct LongPoint {
  std::size_t connections = 0;  ///< 0: there is none
  std::vector<std::string> subjects = {};
};

/// The points and repetitions of an experiment in one profile.
struct Scale {
  std::vector<std::size_t> connections{1};
  std::vector<RequestCost> costs{{}};  ///< each at each number of connections
  /// Offered rates of an open loop, as shares of the server's own capacity, each at each cost. None: a closed
  /// loop.
  std::vector<std::optional<int>> capacity_percents{std::nullopt};
  int repetitions = 1;
  std::chrono::milliseconds warm_up{0};
  std::chrono::milliseconds duration{0};
  std::size_t rounds = 0;  ///< in a run, where an experiment counts them and not the time
  LongPoint long_point = {};
};

/// A case of an experiment that starts programs of its own instead of an echo server.
struct Scenario {
  std::string name;  ///< stands in the column `server`
  std::size_t message_bytes = 14;
  std::string loop = "closed";
};

/// What a run is about: a server, or a scenario.
struct Subject {
  std::string name;
  std::optional<Target> server = std::nullopt;  ///< none: a scenario
  std::size_t message_bytes = 14;
  std::string loop = "closed";

  static Subject of(const Target& server) { return {.name = server.name, .server = server}; }
  static Subject of(const Scenario& scenario) {
    return {.name = scenario.name, .message_bytes = scenario.message_bytes, .loop = scenario.loop};
  }
};

/// What a run is given besides its plan.
struct Conditions {
  const Scale& scale;
  const Cores& cores;
  const Interruption& interruption;
};

/// What a run has shown. The sweep keeps the samples in a file of their own.
struct Outcome {
  Run run;
  std::vector<std::uint32_t> latency_ns = {};  ///< exact samples, in the order in which they were measured
  std::string events{};                        ///< CSV, for what is more than one number a sample
  std::string note{};                          ///< a line for the user; empty: nothing to say
};

/// Conducts one run. `plan` is its row as far as the schedule says it; the outcome has the same subject,
/// connections and message size, by which `--resume` knows it; the sweep adds the rest of the plan. Throws
/// ServerError, Interrupted, std::runtime_error.
using Conduct = Outcome (*)(const Run& plan, const Subject& subject, const Conditions& conditions);

/// A named experiment: servers (or chat rooms, or scenarios) × points × repetitions.
struct Experiment {
  std::string name;
  std::string description;
  Conduct conduct = nullptr;
  /// Empty: it is about the servers that the user names.
  std::vector<Scenario> scenarios = {};
  bool about_rooms = false;  ///< it is about chat rooms, not about echo servers
  /// Of servers and rooms; a scenario has its own.
  std::size_t message_bytes = 14;
  std::string loop = "closed";
  std::optional<std::size_t> active = std::nullopt;  ///< how many connections speak; none: all
  /// Behaviours without which a server can't take part by its nature.
  std::vector<std::string> needs = {};
  Scale quick;
  Scale full;
};

}  // namespace harness
