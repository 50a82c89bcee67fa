#pragma once

#include "common/framing/codec.h"

namespace framing {

/// All messages have the same size, which both ends know; the stream is nothing but the messages. The only
/// codec whose decoder can't notice garbage: any bytes are messages.
class FixedCodec : public Codec {
 public:
  /// Throws std::invalid_argument unless `message_size` is from 1 to `maximum`.
  FixedCodec(std::size_t message_size, std::size_t maximum);

  void encode(std::span<const char> message, std::string& stream) const override;

 protected:
  std::optional<Frame> locate(std::span<const char> begun, std::size_t seen) override;
};

}  // namespace framing
