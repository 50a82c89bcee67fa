#pragma once

#include "common/framing/codec.h"

namespace framing {

/// A line feed ends each message; a carriage return is an ordinary byte. A message that holds a line feed is
/// refused rather than escaped: then a frame is what a reader of the stream sees as a line.
class DelimiterCodec : public Codec {
 public:
  static constexpr char delimiter = '\n';

  /// `maximum` doesn't count the delimiter. Throws std::invalid_argument for one above 2^32 - 1.
  explicit DelimiterCodec(std::size_t maximum) : Codec(maximum, 1) {}

  void encode(std::span<const char> message, std::string& stream) const override;

 protected:
  std::optional<Frame> locate(std::span<const char> begun, std::size_t seen) override;
};

}  // namespace framing
