#include "common/framing/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "common/framing/content_length_codec.h"
#include "common/framing/delimiter_codec.h"
#include "common/framing/fixed_codec.h"
#include "common/framing/length_prefix_codec.h"

namespace framing {

namespace {

constexpr std::size_t first_step = 64;  // bytes

}  // namespace

Codec::Codec(std::size_t maximum, std::size_t overhead)
    : maximum_(maximum), largest_frame_(maximum + overhead) {
  if (maximum > UINT32_MAX) {
    throw std::invalid_argument(
        fmt::format("a maximum message size of {} bytes; at most {} are allowed", maximum, UINT32_MAX));
  }
}

void Codec::require_allowed_size(std::span<const char> message) const {
  if (message.size() <= maximum_) return;
  throw FramingError(fmt::format("a message of {} bytes; at most {} are allowed", message.size(), maximum_));
}

void Codec::feed(std::span<const char> bytes) {
  if (error_) throw FramingError(*error_);
  if (taken_ < fed_.size()) throw std::logic_error("feed: next() hasn't yet taken all bytes fed before");
  fed_ = bytes;
  taken_ = 0;
}

std::optional<std::span<const char>> Codec::next() {
  if (error_) throw FramingError(*error_);
  if (handed_out_) drop_pieces();
  try {
    return pieces_.empty() ? take_whole() : take_collected();
  } catch (const FramingError& error) {
    error_ = error;
    drop_pieces();
    throw;
  }
}

void Codec::end() {
  if (error_) throw FramingError(*error_);
  if (taken_ < fed_.size()) throw std::logic_error("end: next() hasn't yet taken all bytes");
  if (handed_out_) drop_pieces();
  if (pieces_.empty()) return;
  error_ = FramingError(
      frame_ ? fmt::format("the stream ended inside a message: after {} of the {} bytes of its frame",
                           pieces_.size(), frame_->size())
             : fmt::format("the stream ended inside a message: after {} bytes of its frame", pieces_.size()));
  drop_pieces();
  throw FramingError(*error_);
}

// Nothing is collected: the next frame begins in the fed bytes. If it is whole there, it stays where it is.
std::optional<std::span<const char>> Codec::take_whole() {
  const std::span<const char> begun = fed_.subspan(taken_);
  if (begun.empty()) return std::nullopt;
  frame_ = locate(begun, 0);
  if (frame_ && frame_->size() <= begun.size()) {
    taken_ += frame_->size();
    return begun.subspan(frame_->header_size, frame_->message_size);
  }
  collect(begun.size());
  return std::nullopt;
}

// The frame began in an earlier feed. Where it ends may not be known yet, so it takes over a little more than
// it may need, and gives back what turns out to lie behind the end. Never more than there was of it before:
// so a byte is copied at most twice.
std::optional<std::span<const char>> Codec::take_collected() {
  while (!frame_ && taken_ < fed_.size()) {
    const std::size_t seen = pieces_.size();
    if (seen == largest_frame_)
      throw std::logic_error("locate: undecided about bytes as many as the largest frame");
    collect(std::min(std::max(first_step, seen), largest_frame_ - seen));
    frame_ = locate(pieces_, seen);
    if (frame_ && frame_->size() < pieces_.size()) {
      taken_ -= pieces_.size() - frame_->size();
      pieces_.resize(frame_->size());
    }
  }
  if (!frame_) return std::nullopt;
  collect(frame_->size() - pieces_.size());
  if (pieces_.size() < frame_->size()) return std::nullopt;
  handed_out_ = true;
  return std::span<const char>(pieces_).subspan(frame_->header_size, frame_->message_size);
}

// Moves up to `count` fed bytes to the pieces. The memory at least doubles when it grows, so that a byte is
// moved a constant number of times on average; it follows what has arrived, not what a header promises.
void Codec::collect(std::size_t count) {
  const std::span<const char> more = fed_.subspan(taken_, std::min(count, fed_.size() - taken_));
  const std::size_t needed = pieces_.size() + more.size();
  if (needed > pieces_.capacity()) {
    const std::size_t most = frame_ ? frame_->size() : largest_frame_;
    pieces_.reserve(std::max(needed, std::min(std::max(first_step, 2 * pieces_.capacity()), most)));
  }
  pieces_.insert(pieces_.end(), more.begin(), more.end());
  taken_ += more.size();
}

void Codec::drop_pieces() {
  pieces_ = std::vector<char>();  // unlike clear(), frees the memory
  frame_.reset();
  handed_out_ = false;
}

const std::vector<std::string>& codec_names() {
  static const std::vector<std::string> names = {"fixed", "delimiter", "length-prefix", "content-length"};
  return names;
}

std::unique_ptr<Codec> make_codec(const std::string& name, const CodecOptions& options) {
  if (name == "fixed") return std::make_unique<FixedCodec>(options.message_size, options.maximum);
  if (name == "delimiter") return std::make_unique<DelimiterCodec>(options.maximum);
  if (name == "length-prefix") return std::make_unique<LengthPrefixCodec>(options.maximum);
  if (name == "content-length") return std::make_unique<ContentLengthCodec>(options.maximum);
  throw std::invalid_argument(
      fmt::format("no codec '{}'; there are {}", name, fmt::join(codec_names(), ", ")));
}

}  // namespace framing
