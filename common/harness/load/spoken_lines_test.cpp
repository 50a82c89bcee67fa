#include "common/harness/load/spoken_lines.h"

#include <doctest/doctest.h>

#include <stdexcept>

using harness::HeardLine;
using harness::SpokenLines;
using Is = harness::HeardLine::Is;

namespace {

constexpr std::size_t bytes = 40;
const std::string guest = "guest1: ";

// One that knows what the room puts before a line.
SpokenLines used_to_the_room() {
  SpokenLines lines(bytes);
  lines.recognise(guest + SpokenLines::mark(1));
  return lines;
}

}  // namespace

TEST_CASE("a spoken line has its length, and tells its number") {
  SpokenLines lines = used_to_the_room();
  for (const std::uint64_t number : {1U, 25U, 26U, 99'999'999U}) {
    CAPTURE(number);
    CHECK(lines.line(number).size() == bytes);
    const HeardLine heard = lines.recognise(guest + lines.line(number));
    CHECK((heard.is == Is::whole && heard.number == number && !heard.ends_in_mark));
    const HeardLine mark = lines.recognise(guest + SpokenLines::mark(number));
    CHECK((mark.is == Is::mark && mark.number == number && mark.ends_in_mark));
  }
  CHECK_THROWS_AS(SpokenLines(SpokenLines::smallest - 1), std::invalid_argument);
}

TEST_CASE("a spoken line that lacks any byte, or has one more, is torn") {
  SpokenLines lines = used_to_the_room();
  const std::string whole = guest + lines.line(7);
  for (std::size_t place = 0; place < whole.size(); ++place) {
    CAPTURE(place);
    CHECK(lines.recognise(whole.substr(0, place) + whole.substr(place + 1)).is == Is::torn);
    CHECK(lines.recognise(whole.substr(0, place) + "?" + whole.substr(place)).is == Is::torn);
  }
}

TEST_CASE("what is glued to the beginning of another line is torn, the mark at its end is seen") {
  SpokenLines lines = used_to_the_room();
  const std::string part = guest + lines.line(7).substr(0, 20);
  CHECK(lines.recognise(part + guest + lines.line(9)).is == Is::torn);
  const HeardLine glued = lines.recognise(part + guest + SpokenLines::mark(3));
  CHECK((glued.is == Is::torn && glued.ends_in_mark && glued.number == 3));
}

TEST_CASE("what the room says itself is nobody's line") {
  SpokenLines lines = used_to_the_room();
  CHECK(lines.recognise("* guest7 has joined").is == Is::other);
  const HeardLine told = lines.recognise("* 123 lines were dropped: you read too slowly");
  CHECK((told.is == Is::told && told.number == 123));
  CHECK(lines.recognise("* cut off: you read too slowly").is == Is::cut_off);
}

TEST_CASE("before the first mark everything is the room's own, whatever it puts before a line") {
  SpokenLines lines(bytes);
  CHECK(lines.recognise("Welcome to this room").is == Is::other);
  CHECK(lines.recognise("[someone] " + SpokenLines::mark(1)).is == Is::mark);
  CHECK(lines.recognise("[someone] " + lines.line(1)).is == Is::whole);
  CHECK(lines.recognise(guest + lines.line(1)).is == Is::torn);
}
