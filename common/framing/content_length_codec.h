#pragma once

#include <string_view>

#include "common/framing/codec.h"

namespace framing {

/// Header lines as HTTP has them, one of which is `Content-Length: N`; an empty line; N bytes of message.
/// Other headers are allowed and ignored. It is stricter than HTTP wherever two readers could disagree about
/// where a message ends, since that is how requests are smuggled past a proxy (RFC 9112 sections 6.3, 11.2):
///   - every line ends with CR LF: a bare LF is refused, and so is a CR inside a line (section 2.2 leaves
///     both open);
///   - exactly one Content-Length, its value digits only, behind at most one space; not even two equal ones;
///   - Transfer-Encoding is refused: it isn't understood here, and it would override the length (section
///     6.3);
///   - no folded lines (section 5.2), no space before the colon (section 5.1), no control characters.
class ContentLengthCodec : public Codec {
 public:
  static constexpr std::size_t largest_header = 8192;  ///< bytes, the empty line included

  /// `maximum` doesn't count the header. Throws std::invalid_argument for one above 2^32 - 1.
  explicit ContentLengthCodec(std::size_t maximum) : Codec(maximum, largest_header) {}

  void encode(std::span<const char> message, std::string& stream) const override;

 protected:
  std::optional<Frame> locate(std::span<const char> begun, std::size_t seen) override;

 private:
  void read_line(std::string_view line);
  std::size_t length_of(std::string_view digits) const;

  std::size_t line_begin_ = 0;  // in the header that is being read: the first line that isn't whole yet
  std::optional<std::size_t> length_;  // from that header, once its line was read
};

}  // namespace framing
