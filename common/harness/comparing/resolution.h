#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/harness/comparing/order_statistics.h"

namespace harness {

/// What this machine can tell, by the ratios of one server under two names (A/A): a difference that is no
/// larger than that may be chance. As a share: 0.02 is 2 %. It is how far the interval of the A/A ratio
/// reaches away from 1, to either side.
double resolution(const MedianInterval& same_server);

/// True if the interval lies outside of what the machine can't tell from 1.
bool differs(const MedianInterval& ratio, double resolution);

/// What is compared, as words for a sentence.
struct Quantity {
  std::string name;  ///< "CPU"
  std::string verb;  ///< "needs": select needs 3 times the CPU of epoll
};

/// The answer in a sentence: "select needs 3.10 to 3.41 times the CPU of epoll here; this machine can tell
/// 1.2 %", or that it can't be told, and why. `ratios` are the subject's over the base's, `same_server` those
/// of the base under two names.
std::string in_words(const Quantity& quantity, const std::string& subject, const std::string& base,
                     const std::vector<double>& ratios, const std::vector<double>& same_server);

/// The same of one server under two names alone: what this machine can tell.
std::string in_words(const Quantity& quantity, const std::vector<double>& same_server);

/// "3.10", "31.4", "314": a ratio with three digits.
std::string ratio_text(double ratio);

/// "1.2 %": a share, rounded up, so that it promises nothing.
std::string percent_text(double share);

}  // namespace harness
