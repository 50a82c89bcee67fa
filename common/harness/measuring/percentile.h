#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/harness/records/records.h"

namespace harness {

/// The smallest of `sorted` that at least `percent` percent of them don't exceed (the nearest-rank
/// definition): always a value that was measured. `percent` is in (0, 100]; `sorted` is ascending. 0 if there
/// are none.
std::uint32_t percentile(std::span<const std::uint32_t> sorted, double percent);
std::uint64_t percentile(std::span<const std::uint64_t> sorted, double percent);

/// How many samples it takes until a percentile has enough behind it: five above it are to be expected. Then
/// the largest sample lies above the true percentile with a certainty of 99 % (1 − e⁻⁵): 10 for the p50, 50
/// for the p90, 500 for the p99, 5000 for the p99.9. `percent` is below 100.
std::size_t samples_needed(double percent);

/// The latencies that enough samples stand behind, in microseconds; the others are none, and so is the
/// largest of no samples.
struct Latencies {
  std::optional<double> p50_us, p90_us, p99_us, p999_us, max_us;
};

/// Of sorted nanoseconds.
Latencies latencies_of(std::span<const std::uint32_t> sorted);
Latencies latencies_of(std::span<const std::uint64_t> sorted);

/// Writes them into a row.
void fill_in_latencies(Run& run, const Latencies& latencies);

}  // namespace harness
