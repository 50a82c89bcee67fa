#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/net/command_line.h"

/// A message that a receiver can verify: `[number]`, then one and the same letter up to `size` bytes: a in
/// the first message, b in the second, after z again a. `number` counts from 1; `size` has room for the
/// number.
inline std::string numbered_message(std::int64_t number, std::size_t size) {
  std::string message = fmt::format("[{}]", number);
  message.resize(size, static_cast<char>('a' + (number - 1) % 26));
  return message;
}

constexpr std::int64_t smallest_numbered_message = 12;
constexpr std::int64_t largest_numbered_message = 100'000'000;
constexpr std::int64_t most_messages = 1'000'000;

/// What the clients of this lab send: `--messages`, and `--text` or `--size`. Must outlive the command line's
/// parse().
class MessageOptions {
 public:
  explicit MessageOptions(net::CommandLine& options) {
    options.number("--messages", count_, 1, most_messages, "messages to send");
    options.text("--text", text_, "what each message says");
    options.number("--size", size_, smallest_numbered_message, largest_numbered_message,
                   "instead: bytes in each message, which begins with its number");
    text_ = not_given();
  }

  /// To be called after parse(): bad use ends the program.
  void check(const std::string& program) const {
    if (text_ != not_given() && size_ != 0) {
      net::CommandLine::fail(program, "--text and --size both say what a message is: give one of them");
    }
  }

  std::int64_t count() const { return count_; }

  /// Message `number`, counted from 1.
  std::string message(std::int64_t number) const {
    if (size_ != 0) return numbered_message(number, static_cast<std::size_t>(size_));
    return text_ == not_given() ? default_text() : text_;
  }

 private:
  static std::string default_text() { return "Hello, server!"; }
  // No word of a command line can hold a zero byte; the empty text is a text.
  static std::string not_given() { return {'\0'}; }

  std::int64_t count_ = 2;
  std::string text_ = default_text();
  std::int64_t size_ = 0;  // not given
};
