#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/harness/experiments/experiment.h"

namespace harness {

/// One repetition of one point with one subject.
struct Slot {
  std::size_t subject = 0;
  std::size_t connections = 0;
  RequestCost cost = {};
  std::optional<int> capacity_percent = std::nullopt;  ///< of an open loop's rate; none: a closed one
  int repetition = 1;
};

/// What is to be run, in what order, and what is left out, each with its reason: "select at 10000
/// connections: …".
struct Schedule {
  std::vector<Slot> slots;
  std::vector<std::string> left_out;
};

/// Subjects interleaved: all points of a repetition in random order, then the next repetition; the long point
/// comes last. The same seed gives the same order on every machine. `descriptor_limit` bounds the
/// connections.
Schedule make_schedule(const Experiment& experiment, const Scale& scale, const std::vector<Subject>& subjects,
                       std::uint64_t seed, std::uint64_t descriptor_limit);

}  // namespace harness
