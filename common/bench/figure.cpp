#include "common/bench/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bench {

namespace {

// Between two samples the value is interpolated, so that the median of an even number is the mean of the
// middle two (method 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", 1996).
double quantile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(position));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - std::floor(position));
}

}  // namespace

bool Goal::is_met_by(double measured) const {
  if (bound == Bound::within) return std::abs(measured - value) <= tolerance;
  return bound == Bound::at_least ? measured >= value : measured <= value;
}

std::string Goal::to_string() const {
  if (bound == Bound::within) return fmt::format("{} ± {}", value, tolerance);
  return fmt::format("{} {}", bound == Bound::at_least ? "≥" : "≤", value);
}

Summary summarize(const std::vector<Sample>& samples) {
  std::vector<double> sorted;
  for (const Sample& sample : samples) sorted.push_back(sample.value);
  std::sort(sorted.begin(), sorted.end());
  return {.median = quantile(sorted, 0.5),
          .lower_quartile = quantile(sorted, 0.25),
          .upper_quartile = quantile(sorted, 0.75),
          .lowest = sorted.front(),
          .highest = sorted.back()};
}

std::string verdict(const Figure& figure) {
  if (!figure.goal || figure.samples.empty()) return "";
  const double median = summarize(figure.samples).median;
  if (figure.goal->is_met_by(median)) return "met";
  return median < figure.goal->value ? "below" : "above";
}

}  // namespace bench
