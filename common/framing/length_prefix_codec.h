#pragma once

#include "common/framing/codec.h"

namespace framing {

/// The size of the message as 32 bits without a sign, most significant byte first ("network byte order"),
/// then the message: any bytes, also none.
class LengthPrefixCodec : public Codec {
 public:
  static constexpr std::size_t prefix_size = 4;  ///< bytes

  /// Throws std::invalid_argument for a `maximum` above 2^32 - 1.
  explicit LengthPrefixCodec(std::size_t maximum) : Codec(maximum, prefix_size) {}

  void encode(std::span<const char> message, std::string& stream) const override;

 protected:
  std::optional<Frame> locate(std::span<const char> begun, std::size_t seen) override;
};

}  // namespace framing
