#include "common/harness/load/payload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace harness {

namespace {

constexpr std::size_t starts = 251;  // prime: neighbours in connection or sequence begin at different places

std::array<char, Payload::smallest> header(std::uint32_t connection, std::uint32_t sequence) {
  // Multiplying by a large odd constant spreads each bit of the input over the upper bits (Knuth, TAOCP 6.4).
  const std::uint64_t mixed = ((std::uint64_t{connection} << 32) | sequence) * 0x9E3779B97F4A7C15ULL;
  const std::array<std::uint32_t, 3> words{connection, sequence, static_cast<std::uint32_t>(mixed >> 32)};
  std::array<char, Payload::smallest> bytes{};
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

}  // namespace

Payload::Payload(std::size_t message_bytes)
    : size_(message_bytes), pattern_(message_bytes + starts), message_(message_bytes) {
  if (message_bytes < smallest) {
    throw std::invalid_argument(
        fmt::format("a message takes at least {} bytes, for connection, sequence and check", smallest));
  }
  std::uint32_t state = 1;
  for (char& byte : pattern_) {
    state = state * 1664525 + 1013904223;  // a linear congruential generator (Numerical Recipes, 7.1)
    byte = static_cast<char>(state >> 24);
  }
}

std::span<const char> Payload::compose(std::uint32_t connection, std::uint32_t sequence) {
  const auto start = (connection + sequence) % starts;
  std::memcpy(message_.data(), header(connection, sequence).data(), smallest);
  std::memcpy(message_.data() + smallest, pattern_.data() + start, size_ - smallest);
  return message_;
}

bool Payload::matches(std::span<const char> received, std::size_t offset, std::uint32_t connection,
                      std::uint32_t sequence) {
  const auto expected = compose(connection, sequence);
  return offset + received.size() <= size_ &&
         std::memcmp(received.data(), expected.data() + offset, received.size()) == 0;
}

}  // namespace harness
