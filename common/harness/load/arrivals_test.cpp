#include "common/harness/load/arrivals.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

using namespace std::chrono_literals;
using harness::Arrivals;
using harness::intended_times;
using harness::OfferedRate;

TEST_CASE("fixed arrivals begin at once, and follow at equal intervals up to the span's end") {
  CHECK(intended_times({.per_s = 4}, 1s) == std::vector<std::chrono::nanoseconds>{0ms, 250ms, 500ms, 750ms});
  CHECK(intended_times({.per_s = 1}, 1500ms) == std::vector<std::chrono::nanoseconds>{0s, 1s});
  CHECK(intended_times({.per_s = 1000}, 0s).empty());
}

TEST_CASE("no rounding adds up over a million requests") {
  const auto times = intended_times({.per_s = 300'000}, 10s);  // 3,333.3 ns
  CHECK(times.size() == 3'000'000);
  CHECK(times.back() == 9'999'996'666ns);
  CHECK(times.at(1'500'000) == 5s);
}

TEST_CASE("Poisson arrivals have the rate, and intervals as irregular as chance makes them") {
  const auto times = intended_times({.per_s = 1000, .arrivals = Arrivals::poisson, .seed = 7}, 100s);
  CHECK(std::is_sorted(times.begin(), times.end()));
  CHECK(times.back() < 100s);
  const auto count = static_cast<double>(times.size());
  CHECK(count == doctest::Approx(100'000).epsilon(0.02));  // six standard deviations
  // Of exponential intervals 63.2 % are shorter than the mean, of equal ones none.
  std::ptrdiff_t shorter = 0;
  for (std::size_t i = 1; i < times.size(); ++i) shorter += times[i] - times[i - 1] < 1ms ? 1 : 0;
  CHECK(static_cast<double>(shorter) / count == doctest::Approx(0.632).epsilon(0.02));
}

TEST_CASE("the seed decides Poisson arrivals, the same everywhere") {
  const OfferedRate rate{.per_s = 1000, .arrivals = Arrivals::poisson, .seed = 1};
  const auto times = intended_times(rate, 1s);
  CHECK(times == intended_times(rate, 1s));
  OfferedRate other = rate;
  other.seed = 2;
  CHECK(times != intended_times(other, 1s));
  // The generator's first number is 2469588189546311528 (Matsumoto and Nishimura), of 2^64.
  CHECK(times.front() / 1us == 143);
}

TEST_CASE("a rate is a rate") {
  CHECK(OfferedRate{.per_s = 4}.interval() == 250ms);
  for (const double none : {0.0, -1.0})
    CHECK_THROWS_AS(intended_times({.per_s = none}, 1s), std::invalid_argument);
}
