#include "common/harness/measuring/percentile.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

using harness::percentile;

namespace {

// The definition, word for word, in whole numbers: the smallest value that at least `tenths` tenths of a
// percent of all don't exceed.
std::uint32_t by_definition(const std::vector<std::uint32_t>& sorted, std::size_t tenths) {
  for (const std::uint32_t value : sorted) {
    const auto not_above =
        std::count_if(sorted.begin(), sorted.end(), [value](std::uint32_t v) { return v <= value; });
    if (static_cast<std::size_t>(not_above) * 1000 >= tenths * sorted.size()) return value;
  }
  return sorted.back();
}

std::vector<std::uint32_t> one_to(std::uint32_t n) {
  std::vector<std::uint32_t> values(n);
  std::iota(values.begin(), values.end(), 1U);
  return values;
}

}  // namespace

TEST_CASE("no values have no percentile but zero") {
  CHECK(percentile(std::span<const std::uint32_t>(), 50) == 0);
  CHECK(percentile(std::span<const std::uint64_t>(), 100) == 0);
}

TEST_CASE("one value is every percentile") {
  const std::vector<std::uint32_t> one{42};
  for (const double percent : {0.001, 1.0, 50.0, 99.9, 100.0}) CHECK(percentile(one, percent) == 42);
}

TEST_CASE("known ranks: the median of an even number is the lower one, never a mean") {
  const std::vector<std::uint32_t> two{10, 20};
  CHECK(percentile(two, 50) == 10);
  CHECK(percentile(two, 50.1) == 20);
  const std::vector<std::uint32_t> five{15, 20, 35, 40, 50};
  CHECK(percentile(five, 5) == 15);
  CHECK(percentile(five, 30) == 20);
  CHECK(percentile(five, 40) == 20);
  CHECK(percentile(five, 50) == 35);
  CHECK(percentile(five, 100) == 50);
}

TEST_CASE("binary fractions move no rank: 99.9 percent of 1000 values is the 999th") {
  CHECK(percentile(one_to(1000), 99.9) == 999);
  CHECK(percentile(one_to(1001), 99.9) == 1000);
  CHECK(percentile(one_to(10'000), 99.9) == 9990);
  CHECK(percentile(one_to(1'000'000), 99.9) == 999'000);
  CHECK(percentile(one_to(1000), 100) == 1000);
}

TEST_CASE("every percentile is the one of the definition, also with equal values") {
  std::mt19937 random(11);  // NOLINT(cert-msc51-cpp): the same every time
  for (const std::size_t n : {1U, 2U, 3U, 7U, 10U, 99U, 100U, 101U, 333U}) {
    std::vector<std::uint32_t> values(n);
    for (std::uint32_t& value : values) value = static_cast<std::uint32_t>(random() % n);
    std::sort(values.begin(), values.end());
    for (std::size_t tenths = 1; tenths <= 1000; ++tenths) {
      CAPTURE(n);
      CAPTURE(tenths);
      CHECK(percentile(values, static_cast<double>(tenths) / 10) == by_definition(values, tenths));
    }
  }
}

TEST_CASE("a percentile takes so many samples that five lie above it") {
  CHECK(harness::samples_needed(50) == 10);
  CHECK(harness::samples_needed(90) == 50);
  CHECK(harness::samples_needed(99) == 500);
  CHECK(harness::samples_needed(99.9) == 5000);
}

TEST_CASE("no percentile is told that too few samples stand behind") {
  for (const std::uint32_t n : {0U, 1U, 9U, 10U, 49U, 50U, 499U, 500U, 4999U, 5000U}) {
    CAPTURE(n);
    const std::vector<std::uint32_t> narrow = one_to(n);
    const std::vector<std::uint64_t> wide(narrow.begin(), narrow.end());
    for (const harness::Latencies& latencies :
         {harness::latencies_of(std::span(narrow)), harness::latencies_of(std::span(wide))}) {
      CHECK(latencies.max_us.has_value() == (n > 0));
      CHECK(latencies.p50_us.has_value() == (n >= 10));
      CHECK(latencies.p90_us.has_value() == (n >= 50));
      CHECK(latencies.p99_us.has_value() == (n >= 500));
      CHECK(latencies.p999_us.has_value() == (n >= 5000));
    }
  }
  const harness::Latencies all = harness::latencies_of(std::span<const std::uint32_t>(one_to(5000)));
  CHECK(*all.p50_us == 2.5);
  CHECK(*all.p90_us == 4.5);
  CHECK(*all.p99_us == 4.95);
  CHECK(*all.p999_us == 4.995);
  CHECK(*all.max_us == 5);
}
