#include "common/harness/judging/known_bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "common/net/printable.h"

namespace harness {

namespace {

struct Place {
  std::uint32_t client = 0;
  std::uint64_t position = 0;
};

using Line = std::array<char, line_bytes>;

Line line_at(std::uint32_t client, std::uint64_t number) {
  const std::string text = fmt::format("{:04} {:010}\n", client % 10'000, number % 10'000'000'000);
  Line line;
  std::copy_n(text.begin(), line.size(), line.begin());
  return line;
}

// The line behind this one: its number goes up by one, digit by digit. Megabytes are compared: formatting
// each line took most of the judge's time.
void go_on(Line& line) {
  for (std::size_t digit = 14; digit >= 5; --digit) {
    if (line[digit] != '9') {
      ++line[digit];
      return;
    }
    line[digit] = '0';
  }
}

// Where a whole line belongs; none if it isn't one of ours.
std::optional<Place> place_of(std::string_view line) {
  Place place;
  std::uint64_t number = 0;
  const char* const begin = line.data();
  const bool whole = line[4] == ' ' && line[15] == '\n' &&
                     std::from_chars(begin, begin + 4, place.client).ptr == begin + 4 &&
                     std::from_chars(begin + 5, begin + 15, number).ptr == begin + 15;
  if (!whole) return std::nullopt;
  place.position = number * line_bytes;
  return place;
}

// Where the first byte of `bytes` belongs, by the first whole line in them; `before` are the right bytes of
// its line that came before it.
std::optional<Place> place_of_first(std::string_view bytes, std::string_view before) {
  std::string line(before);
  line += bytes.substr(0, line_bytes - before.size());
  if (line.size() == line_bytes) {
    if (auto place = place_of(line)) {
      place->position += before.size();
      return place;
    }
  }
  for (std::size_t i = 0; i + line_bytes <= bytes.size() && i < line_bytes; ++i) {
    auto place = place_of(bytes.substr(i, line_bytes));
    if (!place || place->position < i) continue;
    place->position -= i;
    return place;
  }
  return std::nullopt;
}

// True if a line from [from, to) of this client's stream stands somewhere in `bytes`: what seems to be
// missing comes later.
bool comes_later(std::string_view bytes, std::uint32_t client, std::uint64_t from, std::uint64_t to) {
  for (std::size_t i = 0; i + line_bytes <= bytes.size(); ++i) {
    const auto place = place_of(bytes.substr(i, line_bytes));
    if (place && place->client == client && place->position >= from && place->position < to) return true;
  }
  return false;
}

Difference at_another_place(const Place& place, std::string_view bytes, std::uint32_t client,
                            std::uint64_t position) {
  if (place.client != client) {
    return {position, fmt::format("client {}'s bytes, from its byte {} on", place.client, place.position),
            "one buffer or one descriptor is used for two clients at once (labs 05 and 09)"};
  }
  if (place.position < position) {
    return {position,
            fmt::format("those from byte {} on again: {} bytes are repeated", place.position,
                        position - place.position),
            "after a short send the next one begins at the start of the buffer (lab 10)"};
  }
  if (comes_later(bytes, client, position, place.position)) {
    return {position,
            fmt::format("those from byte {} on; the ones between come later: out of order", place.position),
            "what was received last is sent before what still waits (lab 10)"};
  }
  return {
      position,
      fmt::format("those from byte {} on: {} bytes are missing", place.position, place.position - position),
      "send took a part, and the rest was thrown away (lab 10)"};
}

}  // namespace

void fill_known_bytes(std::span<char> to, std::uint32_t client, std::uint64_t position) {
  Line line = line_at(client, position / line_bytes);
  for (std::size_t from = position % line_bytes; !to.empty(); from = 0, go_on(line)) {
    const std::size_t count = std::min(line_bytes - from, to.size());
    std::copy_n(line.begin() + from, count, to.begin());
    to = to.subspan(count);
  }
}

Difference describe_difference(std::span<const char> received, std::uint32_t client, std::uint64_t position) {
  const std::string_view bytes(received.data(), received.size());
  const std::size_t zeros = std::min(bytes.find_first_not_of('\0'), bytes.size());
  if (zeros > 0) {
    return {position, zeros == 1 ? "a zero" : fmt::format("{} zeros", zeros),
            "the whole buffer is sent, not only what recv returned (lab 02)"};
  }
  std::vector<char> expected(received.size());
  fill_known_bytes(expected, client, position);
  const auto wrong = std::mismatch(received.begin(), received.end(), expected.begin()).first;
  const auto right = std::mismatch(received.rbegin(), received.rend(), expected.rbegin()).first.base();
  if (wrong < right && right - wrong < 4 && right != received.end()) {
    return {position,
            fmt::format("{} changed byte{}, and the right ones behind", right - wrong,
                        right - wrong == 1 ? "" : "s"),
            ""};
  }
  std::array<char, line_bytes> line{};
  const std::size_t before = position % line_bytes;
  fill_known_bytes(std::span(line).first(before), client, position - before);
  if (const auto place = place_of_first(bytes, {line.data(), before}))
    return at_another_place(*place, bytes, client, position);
  return {position, fmt::format("what no client has sent: \"{}\"", net::printable(received, 24)), ""};
}

}  // namespace harness
