#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace terminal {

/// The text in lines of at most 78 columns, cut at blanks; a word that is wider alone stays whole. `column`
/// is where it begins, `margin` what its further lines begin with. A character is taken to be one column
/// wide. No line feed at the end.
std::string folded(std::string_view text, std::size_t column, std::string_view margin);

}  // namespace terminal
