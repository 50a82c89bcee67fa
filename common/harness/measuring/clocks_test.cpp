#include "common/harness/measuring/clocks.h"

#include <doctest/doctest.h>

#include <thread>

using namespace std::chrono_literals;
using harness::clock_drift;
using harness::ClockReading;
using harness::suspended;

namespace {

// A second after a reading in which all clocks stood at 0.
ClockReading second_later() { return {.monotonic = 1s, .raw = 1s, .boot = 1s}; }

}  // namespace

TEST_CASE("clocks that agree have not drifted") {
  CHECK(clock_drift({}, second_later()) == 0);
  CHECK(suspended({}, second_later()) == 0ns);
  CHECK(clock_drift({}, {}) == 0);  // no time has passed
}

TEST_CASE("a clock that runs off against the raw one is told with its direction") {
  ClockReading fast = second_later();
  fast.monotonic = fast.boot = 1002ms;
  CHECK(clock_drift({}, fast) == doctest::Approx(0.002));
  CHECK(suspended({}, fast) == 0ns);
  ClockReading slow = second_later();
  slow.monotonic = slow.boot = 998ms;
  CHECK(clock_drift({}, slow) == doctest::Approx(-0.002));
}

TEST_CASE("what the readings themselves may be off is no drift") {
  ClockReading fast = second_later();
  fast.monotonic = fast.boot = 1002ms;
  fast.uncertainty = 2ms;
  CHECK(clock_drift({}, fast) == 0);
  fast.uncertainty = 1500us;
  CHECK(clock_drift({}, fast) == doctest::Approx(0.0005));
}

TEST_CASE("a machine that was suspended shows in the clock that goes on meanwhile") {
  ClockReading later = second_later();
  later.boot = 4s;
  CHECK(suspended({}, later) == 3s);
  CHECK(clock_drift({}, later) == 0);
}

TEST_CASE("this machine's clocks go forward, and are read within a moment") {
  const ClockReading before = harness::read_clocks();
  std::this_thread::sleep_for(20ms);
  const ClockReading after = harness::read_clocks();
  CHECK(after.monotonic - before.monotonic >= 20ms);
  CHECK(after.raw > before.raw);
  CHECK(after.boot > before.boot);
  CHECK(before.uncertainty >= 0ns);
  CHECK(after.uncertainty < 1s);
}
