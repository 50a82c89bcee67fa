#include "common/harness/comparing/resolution.h"

#include <doctest/doctest.h>

namespace {

using harness::in_words;

const harness::Quantity cpu{.name = "CPU", .verb = "needs"};

std::vector<double> around(double middle, double spread) {
  std::vector<double> ratios;
  for (const double step : {-1.0, -0.5, -0.2, 0.2, 0.5, 1.0}) ratios.push_back(middle + step * spread);
  return ratios;
}

}  // namespace

TEST_CASE("resolution: how far one server is from itself, to either side") {
  CHECK(harness::resolution({.low = 0.99, .high = 1.02}) == doctest::Approx(0.02));
  CHECK(harness::resolution({.low = 0.8, .high = 1.02}) == doctest::Approx(0.25));
  CHECK(harness::resolution({.low = 1.04, .high = 1.05}) == doctest::Approx(0.05));
  CHECK(harness::resolution({.low = 1, .high = 1}) == 0);
}

TEST_CASE("resolution: a difference is one if all of the interval lies outside, above or below") {
  CHECK(harness::differs({.low = 1.03, .high = 1.5}, 0.02));
  CHECK_FALSE(harness::differs({.low = 1.01, .high = 1.5}, 0.02));
  CHECK(harness::differs({.low = 0.5, .high = 0.97}, 0.02));
  CHECK_FALSE(harness::differs({.low = 0.5, .high = 0.99}, 0.02));
  CHECK_FALSE(harness::differs({.low = 1, .high = 1}, 0));
}

TEST_CASE("resolution: the sentence names the interval and what the machine can tell") {
  CHECK(in_words(cpu, "select", "epoll", around(3.25, 0.15), around(1, 0.02)) ==
        "select needs 3.10 to 3.40 times the CPU of epoll here; this machine can tell 2.1 %");
  CHECK(in_words(cpu, "io-uring", "epoll", around(0.92, 0.02), around(1, 0.01)) ==
        "io-uring needs 0.90 to 0.94 times the CPU of epoll here; this machine can tell 1.1 %");
}

TEST_CASE("resolution: what can't be told is said") {
  CHECK(in_words(cpu, "poll", "epoll", around(1.01, 0.02), around(1, 0.02)) ==
        "poll and epoll can't be told apart by their CPU here: 0.99 to 1.03 times, and this machine can tell "
        "2.1 %");
  CHECK(in_words(cpu, "poll", "epoll", {3, 3, 3, 3, 3}, around(1, 0.02)) ==
        "nothing can be told of the CPU of poll: 5 valid pairs, an interval needs 6");
  CHECK(in_words(cpu, "poll", "epoll", around(3, 0.1), {1}) ==
        "nothing can be told of the CPU of poll: 1 valid pair, an interval needs 6");
}

TEST_CASE("resolution: one server alone tells what the machine can") {
  CHECK(in_words(cpu, around(1, 0.02)) ==
        "one server under two names: 0.98 to 1.02 times the CPU; this machine can tell 2.1 %");
  CHECK(in_words(cpu, {}) == "nothing can be told of the CPU: 0 valid pairs, an interval needs 6");
}

TEST_CASE("resolution: three digits of a ratio, and percents that promise nothing") {
  CHECK(harness::ratio_text(3.1) == "3.10");
  CHECK(harness::ratio_text(9.996) == "10.0");
  CHECK(harness::ratio_text(31.42) == "31.4");
  CHECK(harness::ratio_text(314.2) == "314");
  CHECK(harness::percent_text(0.02) == "2.0 %");
  CHECK(harness::percent_text(0.0201) == "2.1 %");
  CHECK(harness::percent_text(0) == "0.0 %");
}
