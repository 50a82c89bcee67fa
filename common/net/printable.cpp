#include "common/net/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace net {

namespace {

// How many bytes at the front are one whole character of UTF-8 that isn't a control character; 0 if none are.
// Source: RFC 3629, section 4; the second byte's narrower ranges keep out overlong forms, surrogates and what
// lies beyond U+10FFFF.
std::size_t whole_character(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = at(0);
  if (first >= 0x20 && first < 0x7f) return 1;
  const std::size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                             : first >= 0xe0 && first <= 0xef ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) return 0;
  const std::uint8_t lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : first == 0xc2 ? 0xa0 : 0x80;
  const std::uint8_t highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (at(1) < lowest || at(1) > highest) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (at(i) < 0x80 || at(i) > 0xbf) return 0;
  }
  return length;
}

std::string escaped(char byte) {
  switch (byte) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\\':
      return "\\\\";
    default:
      return fmt::format("\\x{:02x}", static_cast<std::uint8_t>(byte));
  }
}

}  // namespace

std::string printable(std::span<const char> bytes, std::size_t at_most) {
  std::string_view rest(bytes.data(), bytes.size());
  std::string shown;
  while (!rest.empty()) {
    const std::size_t length = rest[0] == '\\' ? 0 : whole_character(rest);
    const std::string next = length > 0 ? std::string(rest.substr(0, length)) : escaped(rest[0]);
    if (shown.size() + next.size() > at_most) return shown + fmt::format("… ({} bytes more)", rest.size());
    shown += next;
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return shown;
}

}  // namespace net
