#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace harness {

/// How the requests of an open loop follow one another.
enum class Arrivals {
  fixed,    ///< at equal intervals
  poisson,  ///< independently of one another, as those of many users do: exponential intervals
};

/// The requests that an open loop offers, whatever the server does.
struct OfferedRate {
  double per_s = 0;
  Arrivals arrivals = Arrivals::fixed;
  std::uint64_t seed = 1;  ///< of the exponential intervals; the same gives the same on every machine

  /// The mean interval between two requests.
  std::chrono::nanoseconds interval() const;
};

/// "fixed" or "poisson".
const char* name_of(Arrivals arrivals);

/// When each request of a span is meant to be sent, since the span's beginning: ascending, and before
/// `duration`. Fixed ones begin at 0. Throws std::invalid_argument unless the rate is positive.
std::vector<std::chrono::nanoseconds> intended_times(const OfferedRate& rate,
                                                     std::chrono::nanoseconds duration);

}  // namespace harness
