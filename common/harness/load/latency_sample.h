#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace harness {

/// A latency as the samples hold it: nanoseconds in 32 bits, so that the longest is 4.29 s. One that is
/// longer stands there; none is negative.
constexpr std::uint32_t latency_sample(std::chrono::nanoseconds latency) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(latency.count(), 0, UINT32_MAX));
}

}  // namespace harness
