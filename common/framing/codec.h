#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace framing {

/// The stream breaks the protocol, or a message can't be encoded. what() is one line that says what was found
/// and what is allowed.
class FramingError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Where one message stands in the stream: behind its header, before its trailer.
struct Frame {
  std::size_t header_size = 0;
  std::size_t message_size = 0;
  std::size_t trailer_size = 0;

  std::size_t size() const { return header_size + message_size + trailer_size; }
};

/// Turns messages into the bytes of a stream and back, however the stream is cut. One object serves one
/// direction of one connection:
///
///     codec.feed(what one recv returned);
///     while (auto message = codec.next()) use(*message);
///
/// and codec.end() after the end of the stream. What all codecs do alike is here: a message that lies whole
/// in the fed bytes is handed out where it lies; of one that arrives in pieces the pieces are collected. A
/// codec itself only knows how its frames look.
class Codec {
 public:
  virtual ~Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;

  /// Appends the frame of `message` to `stream`. Throws FramingError for a message that this codec can't
  /// carry (too large, holds the delimiter, another size than the fixed one); then nothing was appended.
  virtual void encode(std::span<const char> message, std::string& stream) const = 0;

  /// Hands over the next bytes of the stream. They stay the caller's and must stay valid until next() has
  /// returned nothing. Throws std::logic_error if it hasn't yet for the bytes fed before; the FramingError of
  /// before, if any.
  void feed(std::span<const char> bytes);

  /// The next whole message; or nothing, when more bytes are needed: then the fed bytes have been taken over
  /// and may go. Valid until the next call of anything here. Throws FramingError; from then on every call
  /// throws it again: after an error nobody knows where the next message begins, and nothing is guessed.
  std::optional<std::span<const char>> next();

  /// To be called when the stream has ended and next() has returned nothing. Throws FramingError if it ended
  /// inside a message; std::logic_error if fed bytes are left.
  void end();

  /// Memory in bytes that the collected pieces take now. None between two messages; never more than the
  /// largest frame; and never more than twice what has really arrived or 64 bytes, whatever length a header
  /// claims.
  std::size_t buffer_capacity() const { return pieces_.capacity(); }

  /// The most bytes that one frame may have: header, message, trailer.
  std::size_t largest_frame() const { return largest_frame_; }

 protected:
  /// No message has more than `maximum` bytes; header and trailer have at most `overhead` bytes together.
  /// Throws std::invalid_argument for a maximum above 2^32 - 1.
  Codec(std::size_t maximum, std::size_t overhead);

  std::size_t maximum() const { return maximum_; }
  /// For encode. Throws FramingError for a message above the maximum.
  void require_allowed_size(std::span<const char> message) const;

  /// The frame that begins with the first of `begun`, as soon as its size is certain; nothing while that
  /// takes more bytes. It is asked again with the same bytes and more behind them; the first `seen` were
  /// shown before, so none needs to be looked at twice. Throws FramingError, at the latest when `begun` is as
  /// large as the largest frame.
  virtual std::optional<Frame> locate(std::span<const char> begun, std::size_t seen) = 0;

 private:
  std::optional<std::span<const char>> take_whole();
  std::optional<std::span<const char>> take_collected();
  void collect(std::size_t count);
  void drop_pieces();

  std::size_t maximum_;
  std::size_t largest_frame_;
  std::span<const char> fed_;
  std::size_t taken_ = 0;     // of the fed bytes
  std::vector<char> pieces_;  // the frame that began in an earlier feed, or all of it after it was handed out
  std::optional<Frame> frame_;  // of the pieces, once it is located
  bool handed_out_ = false;     // the caller may still look at the pieces
  std::optional<FramingError> error_;
};

struct CodecOptions {
  std::size_t message_size = 14;        ///< bytes in each message of the fixed codec
  std::size_t maximum = 1024UL * 1024;  ///< bytes in the largest message, for all codecs
};

/// The codec with that name, see codec_names(). Throws std::invalid_argument that names what is allowed.
std::unique_ptr<Codec> make_codec(const std::string& name, const CodecOptions& options);

/// fixed, delimiter, length-prefix, content-length.
const std::vector<std::string>& codec_names();

}  // namespace framing
