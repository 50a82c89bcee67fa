#include "common/terminal/folded.h"

#include <algorithm>

namespace terminal {

namespace {

constexpr std::size_t columns = 78;  // with a gutter of two in front, 80

// Of UTF-8, the bytes that begin a character.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

}  // namespace

std::string folded(std::string_view text, std::size_t column, std::string_view margin) {
  std::string lines;
  bool line_is_empty = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    const std::size_t width = width_of(word);
    if (!line_is_empty && column + 1 + width > columns) {
      (lines += '\n') += margin;
      column = width_of(margin);
    } else if (!line_is_empty) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += width;
    line_is_empty = false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace terminal
