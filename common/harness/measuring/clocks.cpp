#include "common/harness/measuring/clocks.h"

#include <algorithm>
#include <ctime>

#include "common/net/system_error.h"

namespace harness {

using std::chrono::nanoseconds;

namespace {

constexpr int attempts = 10;

nanoseconds now(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) < 0) throw net::SystemError("clock_gettime");
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

ClockReading read_once() {
  const nanoseconds begin = now(CLOCK_MONOTONIC);
  ClockReading reading{.raw = now(CLOCK_MONOTONIC_RAW), .boot = now(CLOCK_BOOTTIME)};
  reading.uncertainty = now(CLOCK_MONOTONIC) - begin;
  reading.monotonic = begin + reading.uncertainty / 2;
  return reading;
}

// What is left of a difference beyond what two readings may be off.
nanoseconds certain(nanoseconds difference, const ClockReading& before, const ClockReading& after) {
  const nanoseconds uncertain = before.uncertainty + after.uncertainty;
  if (difference > uncertain) return difference - uncertain;
  if (difference < -uncertain) return difference + uncertain;
  return nanoseconds(0);
}

}  // namespace

ClockReading read_clocks() {
  ClockReading narrowest = read_once();
  for (int attempt = 1; attempt < attempts; ++attempt) {
    const ClockReading reading = read_once();
    if (reading.uncertainty < narrowest.uncertainty) narrowest = reading;
  }
  return narrowest;
}

double clock_drift(const ClockReading& before, const ClockReading& after) {
  const nanoseconds raw = after.raw - before.raw;
  if (raw <= nanoseconds(0)) return 0;
  const nanoseconds ahead = certain(after.monotonic - before.monotonic - raw, before, after);
  return static_cast<double>(ahead.count()) / static_cast<double>(raw.count());
}

nanoseconds suspended(const ClockReading& before, const ClockReading& after) {
  const nanoseconds longer = (after.boot - before.boot) - (after.monotonic - before.monotonic);
  return std::max(certain(longer, before, after), nanoseconds(0));
}

}  // namespace harness
