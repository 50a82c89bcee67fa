#include "common/bench/figure.h"

#include <doctest/doctest.h>

using bench::Goal;

namespace {

std::string verdict_of(const Goal& goal, double median) {
  return bench::verdict({.name = "", .unit = "ratio", .goal = goal, .samples = {{.value = median}}});
}

}  // namespace

TEST_CASE("figure: a goal bounds from below, from above, or on both sides") {
  const Goal least{0.98};
  const Goal most{.value = 64, .bound = Goal::Bound::at_most};
  const Goal within{.value = 1, .bound = Goal::Bound::within, .tolerance = 0.02};
  CHECK(least.to_string() == "≥ 0.98");
  CHECK(most.to_string() == "≤ 64");
  CHECK(within.to_string() == "1 ± 0.02");
  CHECK(verdict_of(least, 0.98) == "met");
  CHECK(verdict_of(least, 0.97) == "below");
  CHECK(verdict_of(most, 64) == "met");
  CHECK(verdict_of(most, 65) == "above");
  CHECK(verdict_of(within, 1.015) == "met");
  CHECK(verdict_of(within, 1.03) == "above");
  CHECK(verdict_of(within, 0.97) == "below");
}

TEST_CASE("figure: without a goal or samples there is no verdict") {
  CHECK(bench::verdict({.name = "", .unit = "ratio", .samples = {{.value = 1}}}).empty());
  CHECK(bench::verdict({.name = "", .unit = "ratio", .goal = Goal{1}}).empty());
}
