#include "common/framing/delimiter_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace framing {

void DelimiterCodec::encode(std::span<const char> message, std::string& stream) const {
  require_allowed_size(message);
  const std::size_t found = std::string_view(message.data(), message.size()).find(delimiter);
  if (found != std::string_view::npos) {
    throw FramingError(
        fmt::format("the message holds a line feed, its byte {}; that would end it there", found + 1));
  }
  stream.append(message.data(), message.size());
  stream.push_back(delimiter);
}

std::optional<Frame> DelimiterCodec::locate(std::span<const char> begun, std::size_t seen) {
  const std::size_t furthest = std::min(begun.size(), maximum() + 1);
  const std::size_t found = std::string_view(begun.data(), furthest).find(delimiter, seen);
  if (found != std::string_view::npos) return Frame{.message_size = found, .trailer_size = 1};
  if (begun.size() > maximum()) {
    throw FramingError(fmt::format("no line feed after a message of the maximum size, {} bytes", maximum()));
  }
  return std::nullopt;
}

}  // namespace framing
