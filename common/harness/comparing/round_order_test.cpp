#include "common/harness/comparing/round_order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using Orders = std::vector<std::vector<std::size_t>>;

TEST_CASE("order of rounds: a seed's order is the same with every library") {
  CHECK(harness::order_of_rounds(3, 4, 1) == Orders{{1, 0, 2}, {2, 0, 1}, {0, 2, 1}, {1, 2, 0}});
  CHECK(harness::order_of_rounds(3, 4, 1) != harness::order_of_rounds(3, 4, 2));
}

TEST_CASE("order of rounds: everybody is in each, and as early as late") {
  const Orders orders = harness::order_of_rounds(4, 12, 7);
  CHECK(orders.size() == 12);
  std::vector<std::size_t> places(4);
  for (const auto& order : orders) {
    CHECK(std::set(order.begin(), order.end()) == std::set<std::size_t>{0, 1, 2, 3});
    for (std::size_t place = 0; place < order.size(); ++place) places[order[place]] += place;
  }
  CHECK(places == std::vector<std::size_t>{18, 18, 18, 18});  // 12 rounds × 1.5
  CHECK(std::set(orders.begin(), orders.end()).size() > 2);
}

TEST_CASE("order of rounds: an odd number of them, and none") {
  CHECK(harness::order_of_rounds(2, 3, 1).size() == 3);
  CHECK(harness::order_of_rounds(2, 0, 1).empty());
}
