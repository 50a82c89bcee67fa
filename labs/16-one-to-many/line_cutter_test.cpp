#include "labs/16-one-to-many/line_cutter.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

// Feeds the bytes in pieces of this size. A line that isn't taken shows as why.
std::vector<std::string> lines_of(std::string_view bytes, std::size_t piece_size = 1'000'000) {
  LineCutter cutter;
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < bytes.size(); begin += piece_size) {
    std::span<const char> received = bytes.substr(begin, piece_size);
    while (const auto line = cutter.next(received)) {
      const bool is_good = line->is == CutLine::Is::good;
      CHECK((is_good || line->text.empty()));
      lines.push_back(is_good ? line->text : line->is == CutLine::Is::too_long ? "TOO LONG" : "CONTROLS");
    }
    CHECK(received.empty());
  }
  return lines;
}

using Lines = std::vector<std::string>;

// So many bytes, then these.
std::string some(std::size_t count, std::string_view then = {}) {
  return std::string(count, 'x').append(then);
}

}  // namespace

TEST_CASE("lines are cut at LF, and a CR before it is dropped") {
  CHECK(lines_of("one\ntwo\r\n\n\r\nthree") == Lines{"one", "two", "", ""});
  CHECK(lines_of("a\rb\n") == Lines{"CONTROLS"});
  CHECK(lines_of("a\r\r\n") == Lines{"CONTROLS"});
}

TEST_CASE("a line may have a thousand bytes without its end, and no more") {
  CHECK(lines_of(some(1000, "\n")) == Lines{some(1000)});
  CHECK(lines_of(some(1000, "\r\n")) == Lines{some(1000)});
  CHECK(lines_of(some(1001, "\nnext\n")) == Lines{"TOO LONG", "next"});
  CHECK(lines_of(some(1000, "\rx\nnext\n")) == Lines{"TOO LONG", "next"});
  CHECK(lines_of(some(1000, "\r\r\nnext\n")) == Lines{"TOO LONG", "next"});
}

TEST_CASE("a line that is too long is told of once, at once, and passed over to its end") {
  LineCutter cutter;
  const std::string endless = some(5000);
  std::span<const char> received = endless;
  const auto first = cutter.next(received);
  REQUIRE(first.has_value());
  CHECK(first->is == CutLine::Is::too_long);
  for (int i = 0; i < 10; ++i) {
    received = endless;
    CHECK_FALSE(cutter.next(received).has_value());
  }
  received = std::string_view("the rest\nnext\n");
  const auto next = cutter.next(received);
  REQUIRE(next.has_value());
  CHECK(next->text == "next");
}

TEST_CASE("wherever the stream is cut in pieces, the lines are the same") {
  const std::string stream =
      "one\r\n\n" + some(1000, "\r\n") + some(1001, "\n\x1b[0m\n") + some(1000, "\rx\n\xc3\xa4\nend\n");
  const Lines whole = lines_of(stream);
  CHECK(whole == Lines{"one", "", some(1000), "TOO LONG", "CONTROLS", "TOO LONG", "\xc3\xa4", "end"});
  for (std::size_t size = 1; size < stream.size(); ++size) {
    INFO("pieces of ", size);
    REQUIRE(lines_of(stream, size) == whole);
  }
}

TEST_CASE("each control character is found, and no other byte is taken for one") {
  for (int code = 0; code < 256; ++code) {
    const std::string text = {'a', static_cast<char>(code), 'b'};
    INFO("byte ", code);
    CHECK(has_controls(text) == (code < 0x20 || code == 0x7f));
    const std::string after_c2 = {'\xc2', static_cast<char>(code)};
    CHECK(has_controls(after_c2) == (code < 0x20 || code == 0x7f || (code >= 0x80 && code <= 0x9f)));
  }
  CHECK_FALSE(has_controls(std::string_view("\xe2\x82\xac \xf0\x9f\x98\x80 \xc3\x85")));
}
