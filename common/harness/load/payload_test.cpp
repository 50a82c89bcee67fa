#include "common/harness/load/payload.h"

#include <doctest/doctest.h>

#include <set>
#include <stdexcept>
#include <string>

using harness::Payload;

namespace {

std::string message(Payload& payload, std::uint32_t connection, std::uint32_t sequence) {
  const auto bytes = payload.compose(connection, sequence);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("a message has the size that was asked for, and fits itself") {
  for (const std::size_t size : {12U, 13U, 14U, 64U, 4096U, 1U << 20}) {
    CAPTURE(size);
    Payload payload(size);
    CHECK(payload.size() == size);
    const std::string text = message(payload, 3, 5);
    CHECK(text.size() == size);
    CHECK(payload.matches(text, 0, 3, 5));
  }
}

TEST_CASE("a message too small for connection, sequence and check is refused") {
  for (const std::size_t size : {0U, 1U, 11U}) {
    CAPTURE(size);
    CHECK_THROWS_AS(Payload{size}, std::invalid_argument);
  }
  CHECK_NOTHROW(Payload(12));
}

TEST_CASE("every single byte that is changed is noticed, whatever it is changed into") {
  for (const std::size_t size : {12U, 14U, 100U}) {
    Payload payload(size);
    const std::string right = message(payload, 1000, 70000);
    for (std::size_t at = 0; at < size; ++at) {
      for (int flip = 1; flip < 256; ++flip) {
        std::string wrong = right;
        wrong[at] = static_cast<char>(wrong[at] ^ flip);
        if (payload.matches(wrong, 0, 1000, 70000)) {
          FAIL_CHECK("size ", size, ": byte ", at, " flipped by ", flip, " went unnoticed");
        }
      }
    }
  }
}

TEST_CASE("the message of another connection or of another sequence is noticed") {
  Payload payload(14);
  std::set<std::string> seen;
  for (std::uint32_t connection = 0; connection < 40; ++connection) {
    for (std::uint32_t sequence = 0; sequence < 40; ++sequence) {
      const std::string text = message(payload, connection, sequence);
      CHECK(seen.insert(text).second);
      CHECK_FALSE(payload.matches(text, 0, connection + 1, sequence));
      CHECK_FALSE(payload.matches(text, 0, connection, sequence + 1));
      CHECK_FALSE(payload.matches(text, 0, connection + 1, sequence - 1));
    }
  }
  CHECK_FALSE(payload.matches(message(payload, 1, 2), 0, 2, 1));
}

TEST_CASE("an older message's filling is noticed without its header") {
  Payload payload(64);
  const std::string old = message(payload, 4, 9).substr(Payload::smallest);
  CHECK(payload.matches(old, Payload::smallest, 4, 9));
  for (std::uint32_t newer = 10; newer < 9 + 251; ++newer) {
    CAPTURE(newer);
    CHECK_FALSE(payload.matches(old, Payload::smallest, 4, newer));
  }
}

TEST_CASE("a message fits in two parts, wherever it is split") {
  for (const std::size_t size : {12U, 14U, 300U}) {
    Payload payload(size);
    const std::string text = message(payload, 7, 8);
    for (std::size_t split = 0; split <= size; ++split) {
      CAPTURE(split);
      CHECK(payload.matches(text.substr(0, split), 0, 7, 8));
      CHECK(payload.matches(text.substr(split), split, 7, 8));
    }
  }
}

TEST_CASE("the right bytes at the wrong place, and more bytes than a message has, do not fit") {
  Payload payload(64);
  const std::string text = message(payload, 7, 8);
  CHECK_FALSE(payload.matches(text.substr(0, 20), 1, 7, 8));
  CHECK_FALSE(payload.matches(text.substr(1, 20), 0, 7, 8));
  CHECK_FALSE(payload.matches(text + "x", 0, 7, 8));
  CHECK_FALSE(payload.matches(text, 1, 7, 8));
  CHECK_FALSE(payload.matches("x", 64, 7, 8));
}
