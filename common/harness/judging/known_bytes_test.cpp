#include "common/harness/judging/known_bytes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using harness::describe_difference;
using harness::Difference;
using harness::fill_known_bytes;

namespace {

std::string known(std::uint32_t client, std::uint64_t position, std::size_t count) {
  std::string bytes(count, '?');
  fill_known_bytes(bytes, client, position);
  return bytes;
}

Difference difference(const std::string& received, std::uint32_t client, std::uint64_t position) {
  return describe_difference(received, client, position);
}

}  // namespace

TEST_CASE("known bytes: lines that name their client and their place") {
  CHECK(known(7, 672, 16) == "0007 0000000042\n");
  CHECK(known(7, 672, 32) == "0007 0000000042\n0007 0000000043\n");
  CHECK(known(7, 16 * 999'999, 32) == "0007 0000999999\n0007 0001000000\n");
  CHECK(known(7, 16 * 9'999'999'999, 32) == "0007 9999999999\n0007 0000000000\n");
}

TEST_CASE("known bytes: a stream is the same however it is cut") {
  const std::string whole = known(12, 0, 1000);
  for (std::size_t piece = 1; piece < 40; ++piece) {
    std::string cut;
    while (cut.size() < whole.size())
      cut += known(12, cut.size(), std::min(piece, whole.size() - cut.size()));
    CHECK(cut == whole);
  }
}

TEST_CASE("difference: bytes are missing, also where a line is cut") {
  CHECK(difference(known(3, 4096, 200), 3, 1024).looks_like ==
        "those from byte 4096 on: 3072 bytes are missing");
  CHECK(difference(known(3, 4099, 200), 3, 1024).looks_like ==
        "those from byte 4099 on: 3075 bytes are missing");
}

TEST_CASE("difference: bytes are repeated") {
  const Difference repeated = difference(known(3, 16384, 200), 3, 20000);
  CHECK(repeated.looks_like == "those from byte 16384 on again: 3616 bytes are repeated");
  CHECK(repeated.often_the_cause.find("short send") != std::string::npos);
}

TEST_CASE("difference: another client's bytes") {
  CHECK(difference(known(9, 320, 200), 3, 20000).looks_like == "client 9's bytes, from its byte 320 on");
}

TEST_CASE("difference: out of order") {
  CHECK(difference(known(3, 2048, 100) + known(3, 1024, 100), 3, 1024).looks_like ==
        "those from byte 2048 on; the ones between come later: out of order");
}

TEST_CASE("difference: zeros") {
  CHECK(difference(std::string(6, '\0'), 3, 16).looks_like == "6 zeros");
  CHECK(difference(std::string(1, '\0'), 3, 16).looks_like == "a zero");
  CHECK(difference(std::string(1000, '\0') + known(3, 1016, 64), 3, 16).looks_like == "1000 zeros");
}

TEST_CASE("difference: a byte is changed, and the right ones follow") {
  std::string bytes = known(3, 500, 64);
  bytes[0] = static_cast<char>(bytes[0] ^ 1);
  CHECK(difference(bytes, 3, 500).looks_like == "1 changed byte, and the right ones behind");
}

TEST_CASE("difference: the first wrong byte lies inside a line that begins alike") {
  // "0063 …" came for "0061 …": the last digit and what is behind it.
  CHECK(difference(known(63, 3, 200), 61, 3).looks_like == "client 63's bytes, from its byte 3 on");
  CHECK(difference(known(3, 1611, 200), 3, 1451).looks_like ==
        "those from byte 1611 on: 160 bytes are missing");
}

TEST_CASE("difference: what nobody sent is shown") {
  CHECK(difference("HTTP/1.1 400 Bad Request\r\n", 3, 0)
            .looks_like.starts_with("what no client has sent: \"HTTP/1.1 400 "));
}
