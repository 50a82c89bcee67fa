#include "common/harness/measuring/percentile.h"

#include <algorithm>
#include <cmath>

namespace harness {

std::uint32_t percentile(std::span<const std::uint32_t> sorted, double percent) {
  if (sorted.empty()) return 0;
  // Rounded to a millionth first: 99.9 / 100 × 1000 is a little more than 999 in binary fractions.
  const double exact = std::round(percent / 100 * static_cast<double>(sorted.size()) * 1e6) / 1e6;
  const auto rank = static_cast<std::size_t>(std::ceil(exact));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

}  // namespace harness
