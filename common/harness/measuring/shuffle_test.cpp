#include "common/harness/measuring/shuffle.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

namespace {

std::vector<int> shuffled(std::uint64_t seed) {
  std::vector<int> numbers(10);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::mt19937_64 random(seed);
  harness::shuffle(numbers, random);
  return numbers;
}

}  // namespace

// The orders were computed by a program of another language, whose generator gave the 10000th number that the
// standard demands ([rand.predef]).
TEST_CASE("shuffle: a seed's order is the same with every library") {
  CHECK(shuffled(1) == std::vector<int>{1, 7, 3, 9, 4, 0, 5, 2, 6, 8});
  CHECK(shuffled(2026) == std::vector<int>{4, 5, 3, 8, 7, 2, 0, 9, 6, 1});
}

TEST_CASE("shuffle: nothing is lost, and every item gets everywhere") {
  std::vector<std::vector<int>> seen(10, std::vector<int>(10));
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const std::vector<int> numbers = shuffled(seed);
    for (std::size_t place = 0; place < numbers.size(); ++place)
      ++seen[place][static_cast<std::size_t>(numbers[place])];
  }
  for (const std::vector<int>& times : seen) {
    CHECK(std::accumulate(times.begin(), times.end(), 0) == 1000);
    CHECK(*std::min_element(times.begin(), times.end()) > 50);  // of 100 to be expected
  }
}
