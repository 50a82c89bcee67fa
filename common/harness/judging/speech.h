#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/harness/judging/room.h"

namespace harness {

/// Numbered lines of many lengths that one guest says in step with those who listen: the next ones only once
/// each of these has heard the last. So whoever reads is never behind by more than the few kilobytes of one
/// step, however busy the machine is, and whoever doesn't is behind by all of it.
class Speech {
 public:
  static constexpr std::uint64_t step_bytes = 8 * 1024;

  /// The listeners may be none. All must outlive this object.
  Speech(Room& room, Guest& speaker, std::vector<Guest*> listeners)
      : room_(room), speaker_(speaker), listeners_(std::move(listeners)) {}

  /// Says about so many bytes more. False as soon as a listener has not heard a step although the room could
  /// have run for `span`; what was said of it stays said.
  bool go_on(std::uint64_t bytes, std::chrono::milliseconds span = Trial::silence);
  /// Says a line each time they have heard nothing for a while, until each of the late ones has heard the
  /// newest one or is gone: they have all then that they will ever get. False if that doesn't happen.
  bool until_caught_up(const std::vector<Guest*>& late);

  /// How many lines it has said, and bytes.
  std::size_t lines() const { return lines_; }
  std::uint64_t bytes() const { return bytes_; }
  /// How long a listener has waited for a step at the most.
  double longest_wait_ms() const;

  /// The number of a line that was heard; none if it is no line of this speech, or not as it was said.
  std::optional<std::size_t> number_of(std::string_view heard) const;

 private:
  std::string line(std::size_t number) const;
  // Says one line without waiting. Returns its size.
  std::uint64_t say_next();
  bool heard_by(const std::vector<Guest*>& guests, std::size_t number) const;

  Room& room_;
  Guest& speaker_;
  std::vector<Guest*> listeners_;
  std::size_t lines_ = 0;
  std::uint64_t bytes_ = 0;
  std::chrono::steady_clock::duration longest_wait_{};
};

}  // namespace harness
