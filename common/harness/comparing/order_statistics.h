#pragma once

#include <cstddef>
#include <vector>

namespace harness {

/// The median of some values, and an interval that holds the true one with a known probability, whatever the
/// values' distribution is: both its ends are values that were measured.
struct MedianInterval {
  double median = 0;
  double low = 0;
  double high = 0;
  double confidence = 0;  ///< such as 0.97: at least `wanted_confidence`, unless there are too few values
  std::size_t n = 0;
};

constexpr double wanted_confidence = 0.95;
/// With fewer values the widest interval there is, from the lowest to the highest, holds the median with less
/// than the wanted confidence.
constexpr std::size_t fewest_values = 6;

/// The narrowest interval between the k-th lowest and the k-th highest value that has the wanted confidence;
/// with too few values the widest. Each value lies below the true median with probability 1/2, so how many do
/// is binomial (H. A. David, "Order Statistics", section 7.1). Throws std::invalid_argument without a value.
MedianInterval median_interval(std::vector<double> values);

}  // namespace harness
