#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace harness {

/// What a line is that came out of a chat room.
struct HeardLine {
  enum class Is {
    whole,    ///< a numbered line, every byte of it
    mark,     ///< a mark
    told,     ///< the room says how many lines it has dropped
    cut_off,  ///< the room says that it cuts this listener off
    other,    ///< anything else that the room says itself
    torn,     ///< somebody's line, and not as it was said
  };
  Is is = Is::other;
  std::uint64_t number = 0;   ///< of the line or the mark; of the lines dropped; none: 0
  bool ends_in_mark = false;  ///< a mark, or a torn line that a mark is glued to
};

/// What the speaker says in a chat room: numbered lines of one length, by which a listener can tell which one
/// he has, and whether a byte of it is missing; and marks, short lines between them. Numbers begin at 1.
class SpokenLines {
 public:
  /// Of a line, without its LF: number and end need so much.
  static constexpr std::size_t smallest = 10;

  /// Throws std::invalid_argument for less.
  explicit SpokenLines(std::size_t bytes);

  /// Both without an LF.
  std::string line(std::uint64_t number) const;
  static std::string mark(std::uint64_t number);

  /// What has come out of the room, without its LF. The first mark that comes tells what the room puts before
  /// a line, as in "guest1: "; what came before that is `other`.
  HeardLine recognise(std::string_view heard);

 private:
  bool is_line(std::string_view said) const;

  std::size_t bytes_;
  std::optional<std::string> prefix_;  // none: no mark has come yet
};

}  // namespace harness
