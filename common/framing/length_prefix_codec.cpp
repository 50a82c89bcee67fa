#include "common/framing/length_prefix_codec.h"

#include <fmt/format.h>

#include <cstdint>

#include "common/net/printable.h"

namespace framing {

void LengthPrefixCodec::encode(std::span<const char> message, std::string& stream) const {
  require_allowed_size(message);
  for (int shift = 24; shift >= 0; shift -= 8) {
    stream.push_back(static_cast<char>(static_cast<std::uint8_t>(message.size() >> shift)));
  }
  stream.append(message.data(), message.size());
}

std::optional<Frame> LengthPrefixCodec::locate(std::span<const char> begun, std::size_t /*seen*/) {
  if (begun.size() < prefix_size) return std::nullopt;
  std::uint32_t length = 0;
  for (const char byte : begun.first(prefix_size)) length = length << 8U | static_cast<std::uint8_t>(byte);
  if (length > maximum()) {
    // Shown as they are, since they often tell the mistake: "GET ", digits, the middle of a character.
    throw FramingError(
        fmt::format("a length prefix announces {} bytes; at most {} are allowed; the four bytes are \"{}\"",
                    length, maximum(), net::printable(begun.first(prefix_size))));
  }
  return Frame{.header_size = prefix_size, .message_size = length};
}

}  // namespace framing
