#include "common/harness/experiments/write_write_read.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using harness::round_times;
using Times = std::vector<std::uint32_t>;

TEST_CASE("the times of the rounds, in nanoseconds and in order") {
  CHECK(round_times({"round 1: 61 us", "round 2: 43992 us", "round 3: 8.25 us", "median 61 us"}, 3) ==
        Times{61'000, 43'992'000, 8'250});
  CHECK(round_times({"round 1: 0 us", "round 2: 4294967.295 us"}, 2) == Times{0, 4'294'967'295});
}

TEST_CASE("rounds that are missing, repeated or out of order are an error") {
  CHECK_THROWS_WITH(round_times({"round 1: 61 us"}, 2), "1 rounds were told of, not 2");
  CHECK_THROWS_WITH(round_times({"round 1: 61 us", "round 2: 61 us"}, 1), "2 rounds were told of, not 1");
  CHECK_THROWS_WITH(round_times({}, 1), "0 rounds were told of, not 1");
  CHECK_THROWS_WITH(round_times({"round 1: 61 us", "round 3: 61 us"}, 2),
                    "'round 3: 61 us' where round 2 should be");
  CHECK_THROWS_WITH(round_times({"round 1: 61 us", "round 1: 61 us"}, 2),
                    "'round 1: 61 us' where round 2 should be");
}

TEST_CASE("what is no time in microseconds is an error") {
  for (const std::string time : {"61", "61 ms", "61us", "-1 us", "us", "nan us", "61 us.", "4294967.3 us"}) {
    CAPTURE(time);
    const std::string line = "round 1: " + time;
    CHECK_THROWS_WITH(round_times({line}, 1),
                      ("'" + line + "' does not end in a time such as '61 us'").c_str());
  }
}
