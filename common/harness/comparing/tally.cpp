#include "common/harness/comparing/tally.h"

#include <fmt/format.h>

#include "common/harness/comparing/order_statistics.h"

namespace harness {

Tally::Tally(std::size_t contenders, std::size_t rounds)
    : values_(contenders, std::vector<std::optional<double>>(rounds)) {}

void Tally::add(std::size_t contender, std::size_t round, double value) {
  values_.at(contender).at(round) = value;
  ++runs_;
}

void Tally::reject(const std::string& reason) {
  ++runs_;
  ++rejected_;
  last_reason_ = reason;
}

std::vector<double> Tally::ratios(std::size_t subject, std::size_t base) const {
  std::vector<double> ratios;
  for (std::size_t round = 0; round < values_.at(base).size(); ++round) {
    const auto& above = values_.at(subject)[round];
    const auto& below = values_.at(base)[round];
    if (above && below) ratios.push_back(*above / *below);
  }
  return ratios;
}

std::optional<double> Tally::median_of(std::size_t contender) const {
  std::vector<double> values;
  for (const auto& value : values_.at(contender)) {
    if (value) values.push_back(*value);
  }
  if (values.empty()) return std::nullopt;
  return median_interval(values).median;
}

std::string Tally::rejected() const {
  if (rejected_ == 0) return "";
  return fmt::format("{} of {} runs don't count, the last one since {}", rejected_, runs_, last_reason_);
}

}  // namespace harness
