#include "common/bench/order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

using Order = std::vector<std::pair<std::size_t, bool>>;

namespace {

Order order(std::size_t comparisons, std::size_t pairs, std::uint64_t seed) {
  Order slots;
  for (const bench::Slot& slot : bench::order_of_pairs(comparisons, pairs, seed))
    slots.emplace_back(slot.comparison, slot.subject_first);
  return slots;
}

}  // namespace

TEST_CASE("order of pairs: a seed's order is the same with every library") {
  // As common/harness/measuring/shuffle_test.cpp has it.
  CHECK(order(2, 4, 1) ==
        Order{{0, true}, {0, false}, {1, false}, {1, true}, {1, true}, {1, false}, {0, false}, {0, true}});
}

TEST_CASE("order of pairs: each comparison has its pairs, and in half of them the subject begins") {
  const Order slots = order(3, 16, 7);
  CHECK(slots.size() == 48);
  for (std::size_t comparison = 0; comparison < 3; ++comparison) {
    for (const bool subject_first : {true, false})
      CHECK(std::count(slots.begin(), slots.end(), std::pair(comparison, subject_first)) == 8);
  }
  CHECK(order(3, 16, 8) != slots);
}
