#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace harness {

/// What a client of a check sends: lines of 16 bytes that name the client and their own place in its stream,
///
///   0007 0000000042\n     line 42 (bytes 672 to 687) of client 7
///
/// so a byte that comes back at a wrong place tells where it belongs. All is printable and ends in line
/// feeds, since there are servers that answer lines only.
constexpr std::size_t line_bytes = 16;

/// Fills `to` with what client `client` (below 10,000) sends from `position` on.
void fill_known_bytes(std::span<char> to, std::uint32_t client, std::uint64_t position);

/// How what came differs from what was sent.
struct Difference {
  std::uint64_t position = 0;  ///< of the first wrong byte
  /// In words, behind a position: "those from 4096 on: 3072 bytes are missing".
  std::string looks_like = {};
  std::string often_the_cause = {};
};

/// What `received` looks like, which came from `position` on in place of what `client` had sent there. Its
/// first byte is the first wrong one; the more bytes follow, the more can be told.
Difference describe_difference(std::span<const char> received, std::uint32_t client, std::uint64_t position);

}  // namespace harness
