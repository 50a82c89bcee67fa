#pragma once

#include <chrono>

namespace harness {

/// Three clocks of the kernel at one moment (clock_gettime(2)).
struct ClockReading {
  std::chrono::nanoseconds monotonic{0};    ///< by which all is measured; time synchronisation may slew it
  std::chrono::nanoseconds raw{0};          ///< the same hardware, which nobody corrects
  std::chrono::nanoseconds boot{0};         ///< as monotonic, but goes on while the machine is suspended
  std::chrono::nanoseconds uncertainty{0};  ///< between the first and the last of the readings
};

/// Reads them, anew while something has come between the readings; the narrowest of some attempts. Throws
/// net::SystemError.
ClockReading read_clocks();

/// How far the clock that measures has run off against the raw one, as a share of the time between two
/// readings: positive when it was fast. What the readings' own uncertainty may be is left out.
double clock_drift(const ClockReading& before, const ClockReading& after);

/// How long the machine was suspended between two readings; what the readings can't tell from nothing is 0.
std::chrono::nanoseconds suspended(const ClockReading& before, const ClockReading& after);

}  // namespace harness
