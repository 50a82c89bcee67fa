#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/harness/measurement.h"
#include "common/harness/target.h"

namespace harness {

/// The points and repetitions of an experiment in one profile.
struct Scale {
  std::vector<std::size_t> connections;
  int repetitions = 1;
  std::chrono::milliseconds warm_up{0};
  std::chrono::milliseconds duration{0};
};

/// A named experiment: servers × points × repetitions.
struct Experiment {
  std::string name;
  std::string description;
  std::optional<std::size_t> active;  ///< how many connections speak; none: all
  /// Behaviours without which a server can't take part by its nature.
  std::vector<std::string> needs;
  Scale quick;
  Scale full;
};

const std::vector<Experiment>& experiments();

/// One repetition of one point with one server.
struct Slot {
  std::size_t target = 0;
  std::size_t connections = 0;
  int repetition = 1;
};

/// What is to be run, in what order, and what is left out, each with its reason: "select at 10000
/// connections: …".
struct Schedule {
  std::vector<Slot> slots;
  std::vector<std::string> left_out;
};

/// Servers interleaved: all points of a repetition in random order, then the next repetition. The same seed
/// gives the same order on every machine. `descriptor_limit` bounds the connections.
Schedule make_schedule(const Experiment& experiment, const Scale& scale, const std::vector<Target>& targets,
                       std::uint64_t seed, std::uint64_t descriptor_limit);

}  // namespace harness
