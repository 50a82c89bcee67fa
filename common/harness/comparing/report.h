#pragma once

#include <string>
#include <vector>

#include "common/harness/comparing/resolution.h"
#include "common/harness/comparing/rounds.h"
#include "common/harness/records/json.h"

namespace harness {

/// Who was compared, and where each stands among the contenders of the tallies: the base first, then the base
/// again, then the others.
struct Compared {
  std::vector<std::string> names;

  static constexpr std::size_t base = 0;
  static constexpr std::size_t base_again = 1;
  static constexpr std::size_t first_other = 2;
};

/// For a reader: a table for each quantity, and below it the answers as sentences.
std::string comparison_text(const Compared& compared, const Tallies& tallies);

/// For machines: one object for each quantity and contender but the base, with its ratio, the interval, n and
/// the sentence.
std::vector<JsonObject> comparison_json(const Compared& compared, const Tallies& tallies);

}  // namespace harness
