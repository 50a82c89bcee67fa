#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include "common/net/command_line.h"
#include "common/net/printable.h"
#include "labs/02-sticky-packets/messages.h"

/// Judges what a program takes for messages against what `sticky-client --messages N --size N` sends: every
/// byte is compared, and from its place in the stream follows what it belongs to.
class BelievedMessages {
 public:
  /// Adds `--messages` and `--size`, which say what the client will send. Must outlive the command line's
  /// parse().
  explicit BelievedMessages(net::CommandLine& options) {
    options.number("--messages", sent_, 1, most_messages, "messages that sticky-client will send");
    options.number("--size", size_, smallest_numbered_message, largest_numbered_message,
                   "bytes in each of them");
  }

  /// The next bytes of the stream, which the program takes for one message. Shows the first few. Throws
  /// std::runtime_error when they are not what the client was to send.
  void take(std::span<const char> believed) {
    const bool at_start = offset_ == 0;
    const std::int64_t first = number_ + 1;
    const std::int64_t last = verify(believed);
    ++believed_;
    std::string what;
    if (first != last) {
      ++stuck_together_;
      what = fmt::format("bytes of messages {} to {}", first, last);
    } else if (at_start && offset_ == 0) {
      ++whole_;
      what = fmt::format("message {}, whole", first);
    } else {
      ++cut_;
      what = fmt::format("a part of message {}", first);
    }
    if (believed_ > shown_) return;
    constexpr std::size_t begin = 12;
    fmt::print("believed {}: {} bytes: {}: {}{}\n", believed_, believed.size(), what,
               net::printable(believed.first(std::min(believed.size(), begin))),
               believed.size() > begin ? "…" : "");
    if (believed_ == shown_) fmt::print("(and so on)\n");
  }

  /// What came of it, in numbers.
  void report() const {
    const std::int64_t all = sent_ * size_;
    fmt::print("arrived: {} of {} bytes, each as it was sent\n", number_ * size_ + offset_, all);
    fmt::print("believed messages: {}\n", believed_);
    fmt::print("  whole: {}\n", whole_);
    fmt::print("  cut (a part of one message): {}\n", cut_);
    fmt::print("  stuck together (bytes of several): {}\n", stuck_together_);
    fmt::print("never seen whole: {} of {} messages\n", sent_ - whole_, sent_);
  }

 private:
  // Returns the number of the message that the last byte belongs to.
  std::int64_t verify(std::span<const char> bytes) {
    std::int64_t last = number_ + 1;
    while (!bytes.empty()) {
      last = number_ + 1;
      if (offset_ == 0) expected_ = numbered_message(last, static_cast<std::size_t>(size_));
      const auto rest = std::span<const char>(expected_).subspan(static_cast<std::size_t>(offset_));
      const std::size_t count = std::min(rest.size(), bytes.size());
      if (last > sent_ || !std::ranges::equal(bytes.first(count), rest.first(count))) {
        throw std::runtime_error(
            fmt::format("this is not what sticky-client --messages {} --size {} sends: {}", sent_, size_,
                        net::printable(bytes, 24)));
      }
      bytes = bytes.subspan(count);
      offset_ += static_cast<std::int64_t>(count);
      if (offset_ == size_) ++number_, offset_ = 0;
    }
    return last;
  }

  static constexpr std::int64_t shown_ = 6;

  std::int64_t sent_ = 2, size_ = 14;
  std::int64_t number_ = 0;  // messages of which every byte has come
  std::int64_t offset_ = 0;  // bytes of the one after them
  std::string expected_;     // that one
  std::int64_t believed_ = 0, whole_ = 0, cut_ = 0, stuck_together_ = 0;
};
