#pragma once

#include <optional>
#include <string>
#include <vector>

namespace bench {

/// What a figure should reach. A goal that is missed is said, never punished: a benchmark reports.
struct Goal {
  enum class Bound { at_least, at_most, within };

  double value = 0;
  Bound bound = Bound::at_least;
  double tolerance = 0;  ///< of `within`: that far from the value, to either side

  bool is_met_by(double measured) const;
  /// "≥ 0.98", "≤ 64", "1 ± 0.02"
  std::string to_string() const;
};

/// One repetition of a figure. A ratio keeps the two values that it was made of.
struct Sample {
  double value = 0;
  std::optional<double> subject = std::nullopt;
  std::optional<double> base = std::nullopt;

  static Sample ratio(double subject, double base) {
    return {.value = subject / base, .subject = subject, .base = base};
  }
};

/// A line of the report.
struct Figure {
  std::string name;
  std::string unit;  ///< of a sample's value: "ratio", "us", "bytes", "calls"
  std::optional<Goal> goal = std::nullopt;
  std::vector<Sample> samples = {};
  std::string note = {};  ///< why there are no samples, or what a reader has to know of those there are
};

/// Median and spread over samples.
struct Summary {
  double median = 0;
  double lower_quartile = 0;  ///< with the upper one: the middle half of all samples lies between them
  double upper_quartile = 0;
  double lowest = 0;
  double highest = 0;
};

/// `samples` must not be empty.
Summary summarize(const std::vector<Sample>& samples);

/// "met", "below" or "above", judged by the median; "" without a goal or samples.
std::string verdict(const Figure& figure);

}  // namespace bench
