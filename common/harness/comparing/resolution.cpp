#include "common/harness/comparing/resolution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace harness {

namespace {

std::string pairs_text(std::size_t n) { return fmt::format("{} valid {}", n, n == 1 ? "pair" : "pairs"); }

std::string span_text(const MedianInterval& interval) {
  return fmt::format("{} to {}", ratio_text(interval.low), ratio_text(interval.high));
}

}  // namespace

double resolution(const MedianInterval& same_server) {
  return std::max({same_server.high, 1 / same_server.high, same_server.low, 1 / same_server.low}) - 1;
}

bool differs(const MedianInterval& ratio, double resolution) {
  return ratio.low > 1 + resolution || ratio.high < 1 / (1 + resolution);
}

std::string in_words(const Quantity& quantity, const std::string& subject, const std::string& base,
                     const std::vector<double>& ratios, const std::vector<double>& same_server) {
  if (const std::size_t n = std::min(ratios.size(), same_server.size()); n < fewest_values) {
    return fmt::format("nothing can be told of the {} of {}: {}, an interval needs {}", quantity.name,
                       subject, pairs_text(n), fewest_values);
  }
  const MedianInterval ratio = median_interval(ratios);
  const double smallest = resolution(median_interval(same_server));
  if (differs(ratio, smallest)) {
    return fmt::format("{} {} {} times the {} of {} here; this machine can tell {}", subject, quantity.verb,
                       span_text(ratio), quantity.name, base, percent_text(smallest));
  }
  return fmt::format("{} and {} can't be told apart by their {} here: {} times, and this machine can tell {}",
                     subject, base, quantity.name, span_text(ratio), percent_text(smallest));
}

std::string in_words(const Quantity& quantity, const std::vector<double>& same_server) {
  if (same_server.size() < fewest_values) {
    return fmt::format("nothing can be told of the {}: {}, an interval needs {}", quantity.name,
                       pairs_text(same_server.size()), fewest_values);
  }
  const MedianInterval ratio = median_interval(same_server);
  return fmt::format("one server under two names: {} times the {}; this machine can tell {}",
                     span_text(ratio), quantity.name, percent_text(resolution(ratio)));
}

std::string ratio_text(double ratio) {
  return fmt::format("{:.{}f}", ratio, ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0);
}

std::string percent_text(double share) {
  // A tenth of a percent that is exact in decimals is none in binary: not rounded up for that.
  return fmt::format("{:.1f} %", std::max(0.0, std::ceil(share * 1000 - 1e-6)) / 10);
}

}  // namespace harness
