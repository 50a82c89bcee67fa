#pragma once

#include <cstddef>
#include <random>
#include <utility>
#include <vector>

namespace harness {

/// Puts the items into a random order, which the generator's seed decides on every machine: std::shuffle may
/// give another order with another library. By Fisher and Yates.
template <typename Item>
void shuffle(std::vector<Item>& items, std::mt19937_64& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random() % i]);
}

}  // namespace harness
