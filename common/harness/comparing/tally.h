#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace harness {

/// What the rounds of a comparison have shown of one quantity: a value for each contender and round, or none
/// where there is no valid one.
class Tally {
 public:
  Tally(std::size_t contenders, std::size_t rounds);

  /// Contenders and rounds are counted from 0; a value is positive.
  void add(std::size_t contender, std::size_t round, double value);
  /// A run that gave no valid value, and why.
  void reject(const std::string& reason);

  /// The ratios of the rounds in which both have a value, in their order.
  std::vector<double> ratios(std::size_t subject, std::size_t base) const;
  /// The median of the contender's own values; none without one.
  std::optional<double> median_of(std::size_t contender) const;
  /// "3 of 36 runs don't count, the last one since ..."; empty if all do.
  std::string rejected() const;

 private:
  std::vector<std::vector<std::optional<double>>> values_;  // by contender, then round
  std::size_t runs_ = 0;
  std::size_t rejected_ = 0;
  std::string last_reason_;
};

}  // namespace harness
