#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

/// A pair of runs: of which comparison, and who begins.
struct Slot {
  std::size_t comparison = 0;
  bool subject_first = false;
};

/// `pairs` pairs of each comparison in random order; in half of them the subject begins. The same seed gives
/// the same order on every machine.
std::vector<Slot> order_of_pairs(std::size_t comparisons, std::size_t pairs, std::uint64_t seed);

}  // namespace bench
