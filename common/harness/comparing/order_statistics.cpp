#include "common/harness/comparing/order_statistics.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace harness {

namespace {

// The probability that exactly k of n values lie below the median. By logarithms: 0.5^n is 0 for a large n.
double exactly(std::size_t k, std::size_t n) {
  const auto log_factorial = [](std::size_t of) { return std::lgamma(static_cast<double>(of) + 1); };
  return std::exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) -
                  static_cast<double>(n) * std::log(2));
}

}  // namespace

MedianInterval median_interval(std::vector<double> values) {
  if (values.empty()) throw std::invalid_argument("no value has no median");
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  // Outside lie, on either side, the cases in which at most k - 1 values are below (or above) the median.
  std::size_t k = 1;
  double outside = exactly(0, n);
  while (2 * (k + 1) <= n && 1 - 2 * (outside + exactly(k, n)) >= wanted_confidence)
    outside += exactly(k++, n);
  return {.median = (values[(n - 1) / 2] + values[n / 2]) / 2,
          .low = values[k - 1],
          .high = values[n - k],
          .confidence = 1 - 2 * outside,
          .n = n};
}

}  // namespace harness
