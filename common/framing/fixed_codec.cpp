#include "common/framing/fixed_codec.h"

#include <fmt/format.h>

namespace framing {

FixedCodec::FixedCodec(std::size_t message_size, std::size_t maximum) : Codec(message_size, 0) {
  if (message_size == 0 || message_size > maximum) {
    throw std::invalid_argument(
        fmt::format("a fixed message size of {} bytes; from 1 to {} are allowed", message_size, maximum));
  }
}

void FixedCodec::encode(std::span<const char> message, std::string& stream) const {
  if (message.size() != maximum()) {
    throw FramingError(fmt::format("a message of {} bytes; each has to have {}", message.size(), maximum()));
  }
  stream.append(message.data(), message.size());
}

std::optional<Frame> FixedCodec::locate(std::span<const char> /*begun*/, std::size_t /*seen*/) {
  return Frame{.message_size = maximum()};
}

}  // namespace framing
