#include "common/harness/comparing/round_order.h"

#include <numeric>
#include <random>

#include "common/harness/measuring/shuffle.h"

namespace harness {

std::vector<std::vector<std::size_t>> order_of_rounds(std::size_t contenders, std::size_t rounds,
                                                      std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::size_t> order(contenders);
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::vector<std::size_t>> orders;
  while (orders.size() < rounds) {
    if (orders.size() % 2 == 0) {
      shuffle(order, random);
      orders.push_back(order);
    } else {
      orders.emplace_back(order.rbegin(), order.rend());
    }
  }
  return orders;
}

}  // namespace harness
