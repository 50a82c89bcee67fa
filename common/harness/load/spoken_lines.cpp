#include "common/harness/load/spoken_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace harness {

namespace {

constexpr std::string_view mark_begin = "mark ";
constexpr std::size_t digits = 8;
constexpr std::size_t mark_bytes = mark_begin.size() + digits;

// The number at the beginning of a text; 0 if there is none.
std::uint64_t number_at(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool is_mark(std::string_view said) {
  return said.size() == mark_bytes && said.starts_with(mark_begin) &&
         said == SpokenLines::mark(number_at(said.substr(mark_begin.size())));
}

HeardLine said_by_the_room(std::string_view heard) {
  if (heard.starts_with("* cut off")) return {.is = HeardLine::Is::cut_off};
  if (heard.find(" lines were dropped") != std::string_view::npos)
    return {.is = HeardLine::Is::told, .number = number_at(heard.substr(2))};
  return {.is = HeardLine::Is::other};
}

}  // namespace

SpokenLines::SpokenLines(std::size_t bytes) : bytes_(bytes) {
  if (bytes < smallest) throw std::invalid_argument(fmt::format("a line needs {} bytes", smallest));
}

// The filling depends on the number, so that the end of one line doesn't pass for that of another.
std::string SpokenLines::line(std::uint64_t number) const {
  std::string text = fmt::format("{:0{}}", number, digits);
  text.resize(bytes_ - 1, static_cast<char>('a' + number % 26));
  return text + '!';
}

std::string SpokenLines::mark(std::uint64_t number) {
  return fmt::format("{}{:0{}}", mark_begin, number, digits);
}

bool SpokenLines::is_line(std::string_view said) const {
  if (said.size() != bytes_ || said.back() != '!') return false;
  const char filling = static_cast<char>('a' + number_at(said.substr(0, digits)) % 26);
  return said.find_first_not_of("0123456789") == digits &&
         said.find_first_not_of(filling, digits) == bytes_ - 1;
}

HeardLine SpokenLines::recognise(std::string_view heard) {
  const std::string_view end = heard.substr(heard.size() - std::min(heard.size(), mark_bytes));
  const bool ends_in_mark = is_mark(end);
  if (!prefix_ && ends_in_mark) prefix_ = heard.substr(0, heard.size() - mark_bytes);
  if (heard.starts_with("* ")) return said_by_the_room(heard);
  if (!prefix_) return {.is = HeardLine::Is::other};
  if (heard.starts_with(*prefix_)) {
    const std::string_view said = heard.substr(prefix_->size());
    if (ends_in_mark && said.size() == mark_bytes)
      return {.is = HeardLine::Is::mark,
              .number = number_at(said.substr(mark_begin.size())),
              .ends_in_mark = true};
    if (is_line(said)) return {.is = HeardLine::Is::whole, .number = number_at(said.substr(0, digits))};
  }
  return {.is = HeardLine::Is::torn,
          .number = ends_in_mark ? number_at(end.substr(mark_begin.size())) : 0,
          .ends_in_mark = ends_in_mark};
}

}  // namespace harness
