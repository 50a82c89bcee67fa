#include "common/harness/comparing/tally.h"

#include <doctest/doctest.h>

#include <stdexcept>

TEST_CASE("tally: ratios are taken round by round, of those in which both have a value") {
  harness::Tally tally(2, 4);
  tally.add(0, 0, 2);
  tally.add(1, 0, 6);
  tally.add(0, 1, 4);  // nothing of the other
  tally.add(1, 2, 9);  // likewise
  tally.add(1, 3, 5);
  tally.add(0, 3, 10);
  CHECK(tally.ratios(1, 0) == std::vector<double>{3, 0.5});
  CHECK(tally.ratios(0, 1) == std::vector<double>{1.0 / 3, 2});
  CHECK(tally.ratios(0, 0) == std::vector<double>{1, 1, 1});
  CHECK(tally.median_of(0) == 4);
  CHECK(tally.median_of(1) == 6);
}

TEST_CASE("tally: what doesn't count is counted") {
  harness::Tally tally(1, 2);
  CHECK_FALSE(tally.median_of(0));
  CHECK(tally.rejected().empty());
  tally.add(0, 1, 2);
  tally.reject("of this");
  tally.reject("of that");
  CHECK(tally.rejected() == "2 of 3 runs don't count, the last one since of that");
  CHECK(tally.median_of(0) == 2);
  CHECK_THROWS_AS(tally.add(1, 0, 1), std::out_of_range);
}
