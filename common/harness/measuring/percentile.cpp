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

}  // namespace

std::uint32_t percentile(std::span<const std::uint32_t> sorted, double percent) {
  return nearest_rank(sorted, percent);
}

std::uint64_t percentile(std::span<const std::uint64_t> sorted, double percent) {
  return nearest_rank(sorted, percent);
}

}  // namespace harness
