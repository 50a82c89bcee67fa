#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace harness {

/// The messages of the load generator. A message is a function of its connection, its sequence number and its
/// size, so that every byte that comes back can be verified, and a byte of another connection or of an older
/// message is noticed:
///
///   connection (4 bytes) · sequence (4 bytes) · check (4 bytes, mixes the two) · filling that depends on
///   both
class Payload {
 public:
  /// The smallest message: connection, sequence and check.
  static constexpr std::size_t smallest = 12;

  /// Throws std::invalid_argument below `smallest`.
  explicit Payload(std::size_t message_bytes);

  std::size_t size() const { return size_; }

  /// The whole message. Valid until the next call; the object is one thread's.
  std::span<const char> compose(std::uint32_t connection, std::uint32_t sequence);

  /// True if `received` are the bytes of that message from `offset` on.
  bool matches(std::span<const char> received, std::size_t offset, std::uint32_t connection,
               std::uint32_t sequence);

 private:
  std::size_t size_;
  std::vector<char> pattern_;  // longer than a message by the number of places that a filling may start at
  std::vector<char> message_;
};

}  // namespace harness
