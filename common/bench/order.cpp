#include "common/bench/order.h"

#include <random>

#include "common/harness/measuring/shuffle.h"

namespace bench {

std::vector<Slot> order_of_pairs(std::size_t comparisons, std::size_t pairs, std::uint64_t seed) {
  std::vector<Slot> slots;
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    // The shuffle below mixes the two kinds.
    for (std::size_t i = 0; i < comparisons; ++i)
      slots.push_back({.comparison = i, .subject_first = pair % 2 == 0});
  }
  std::mt19937_64 random(seed);
  harness::shuffle(slots, random);
  return slots;
}

}  // namespace bench
