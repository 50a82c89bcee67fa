#include "common/harness/comparing/order_statistics.h"

#include <doctest/doctest.h>

#include <numeric>
#include <stdexcept>

namespace {

// The interval of the values 1 to n, which are their own ranks.
harness::MedianInterval of_ranks(std::size_t n) {
  std::vector<double> ranks(n);
  std::iota(ranks.rbegin(), ranks.rend(), 1);
  return harness::median_interval(ranks);
}

}  // namespace

TEST_CASE("order statistics: the ranks are those of published tables") {
  // Confidence intervals of the median at 95 %: Conover, "Practical Nonparametric Statistics", by table A3.
  const struct {
    std::size_t n, low, high;
    double confidence;
  } table[] = {{6, 1, 6, 0.96875},  {8, 1, 8, 0.9921875}, {9, 2, 8, 0.9609375},
               {12, 3, 10, 0.9614}, {16, 4, 13, 0.9787},  {25, 8, 18, 0.9567}};
  for (const auto& row : table) {
    CAPTURE(row.n);
    const auto interval = of_ranks(row.n);
    CHECK(interval.n == row.n);
    CHECK(interval.low == static_cast<double>(row.low));
    CHECK(interval.high == static_cast<double>(row.high));
    CHECK(interval.confidence == doctest::Approx(row.confidence).epsilon(0.0001));
  }
}

TEST_CASE("order statistics: too few values give the widest interval, and the confidence says so") {
  const auto three = of_ranks(3);
  CHECK(three.low == 1);
  CHECK(three.median == 2);
  CHECK(three.high == 3);
  CHECK(three.confidence == doctest::Approx(0.75));
  CHECK(of_ranks(harness::fewest_values - 1).confidence < harness::wanted_confidence);
  CHECK(of_ranks(harness::fewest_values).confidence >= harness::wanted_confidence);
  const auto one = of_ranks(1);
  CHECK(one.low == one.high);
  CHECK(one.confidence == doctest::Approx(0));
}

TEST_CASE("order statistics: the median of an even number lies between the middle two") {
  CHECK(harness::median_interval({4, 1, 3, 2}).median == 2.5);
  CHECK(harness::median_interval({3, 1, 2}).median == 2);
}

TEST_CASE("order statistics: many values, and none") {
  const auto many = of_ranks(10'000);
  CHECK(many.confidence == doctest::Approx(0.95).epsilon(0.005));
  CHECK(many.low == 4902);  // the normal distribution's 5000 - 1.96 × 50, and its rank
  CHECK(many.high == 5099);
  CHECK_THROWS_AS(harness::median_interval({}), std::invalid_argument);
}
