#include "common/harness/load/arrivals.h"

#include <cmath>
#include <random>
#include <stdexcept>

namespace harness {

namespace {

using Seconds = std::chrono::duration<double>;

std::chrono::nanoseconds nanoseconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Seconds(seconds));
}

}  // namespace

std::chrono::nanoseconds OfferedRate::interval() const { return nanoseconds(1 / per_s); }

const char* name_of(Arrivals arrivals) { return arrivals == Arrivals::fixed ? "fixed" : "poisson"; }

std::vector<std::chrono::nanoseconds> intended_times(const OfferedRate& rate,
                                                     std::chrono::nanoseconds duration) {
  if (!(rate.per_s > 0)) throw std::invalid_argument("an open loop needs a rate above 0");
  std::vector<std::chrono::nanoseconds> times;
  const double span = Seconds(duration).count();
  times.reserve(static_cast<std::size_t>(span * rate.per_s) + 1);
  if (rate.arrivals == Arrivals::fixed) {
    // Each from the beginning, not from the one before: no rounding adds up.
    for (double number = 0; nanoseconds(number / rate.per_s) < duration; ++number)
      times.push_back(nanoseconds(number / rate.per_s));
    return times;
  }
  // Not std::exponential_distribution, whose numbers are another in every library.
  std::mt19937_64 random(rate.seed);
  const auto interval = [&random, &rate] {
    const double from_0_to_below_1 = static_cast<double>(random() >> 11) * 0x1p-53;
    return -std::log1p(-from_0_to_below_1) / rate.per_s;
  };
  for (double at = interval(); nanoseconds(at) < duration; at += interval()) times.push_back(nanoseconds(at));
  return times;
}

}  // namespace harness
