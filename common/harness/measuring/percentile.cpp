#include "common/harness/measuring/percentile.h"

#include <algorithm>
#include <cmath>

namespace harness {

namespace {

template <typename Number>
Number nearest_rank(std::span<const Number> sorted, double percent) {
  if (sorted.empty()) return 0;
  // Rounded to a millionth first: 99.9 / 100 × 1000 is a little more than 999 in binary fractions.
  const double exact = std::round(percent / 100 * static_cast<double>(sorted.size()) * 1e6) / 1e6;
  const auto rank = static_cast<std::size_t>(std::ceil(exact));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

constexpr double samples_above = 5;

template <typename Number>
Latencies all_of(std::span<const Number> sorted) {
  const auto at = [&sorted](double percent) -> std::optional<double> {
    if (sorted.size() < samples_needed(percent)) return std::nullopt;
    return static_cast<double>(nearest_rank(sorted, percent)) / 1000;
  };
  Latencies latencies{
      .p50_us = at(50), .p90_us = at(90), .p99_us = at(99), .p999_us = at(99.9), .max_us = std::nullopt};
  if (!sorted.empty()) latencies.max_us = static_cast<double>(sorted.back()) / 1000;
  return latencies;
}

}  // namespace

std::uint32_t percentile(std::span<const std::uint32_t> sorted, double percent) {
  return nearest_rank(sorted, percent);
}

std::uint64_t percentile(std::span<const std::uint64_t> sorted, double percent) {
  return nearest_rank(sorted, percent);
}

std::size_t samples_needed(double percent) {
  // Rounded for the same reason as a rank.
  return static_cast<std::size_t>(std::ceil(std::round(samples_above / (1 - percent / 100) * 1e6) / 1e6));
}

Latencies latencies_of(std::span<const std::uint32_t> sorted) { return all_of(sorted); }
Latencies latencies_of(std::span<const std::uint64_t> sorted) { return all_of(sorted); }

void fill_in_latencies(Run& run, const Latencies& latencies) {
  run.p50_us = latencies.p50_us;
  run.p90_us = latencies.p90_us;
  run.p99_us = latencies.p99_us;
  run.p999_us = latencies.p999_us;
  run.max_us = latencies.max_us;
}

}  // namespace harness
