#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "common/framing/codec.h"
#include "common/net/command_line.h"

/// Which codec the framed pair speaks: `--codec`, `--message-size`, `--max-message`. Must outlive the command
/// line's parse().
class CodecChoice {
 public:
  explicit CodecChoice(net::CommandLine& options) {
    constexpr std::int64_t largest = 1 << 30;
    options.text("--codec", name_, "how messages are told apart", framing::codec_names());
    options.number("--message-size", message_size_, 1, largest, "bytes in each message of the codec fixed");
    options.number("--max-message", maximum_, 1, largest, "bytes in the largest message that is accepted");
  }

  /// To be called after parse(): choices that don't fit together end the program as bad use.
  std::unique_ptr<framing::Codec> make(const std::string& program) const {
    try {
      return framing::make_codec(name_, {.message_size = static_cast<std::size_t>(message_size_),
                                         .maximum = static_cast<std::size_t>(maximum_)});
    } catch (const std::invalid_argument& error) {
      net::CommandLine::fail(program, error.what());
    }
  }

 private:
  std::string name_ = "length-prefix";
  std::int64_t message_size_ = static_cast<std::int64_t>(framing::CodecOptions{}.message_size);
  std::int64_t maximum_ = static_cast<std::int64_t>(framing::CodecOptions{}.maximum);
};
