#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

/// A line as a client sent it, without its end, or why it isn't taken: then `text` is empty.
struct CutLine {
  enum class Is { good, too_long, with_controls };
  Is is = Is::good;
  std::string text;
};

/// Cuts the lines out of one client's stream. It keeps what has come of a line that hasn't ended, and of that
/// no more than a line may have: a stream without a line feed costs no memory.
class LineCutter {
 public:
  /// Bytes of a line, without its end: LF, or CR LF.
  static constexpr std::size_t longest = 1000;

  /// Takes bytes off the front of `received` up to the end of the next line, and returns that line; nothing,
  /// and `received` is empty, if it doesn't end there. A line that is too long is told of as soon as that is
  /// known, once; the rest of it is passed over.
  std::optional<CutLine> next(std::span<const char>& received);

 private:
  std::string begun_;  // a byte more than the longest line at most: that one may be its CR
  bool is_passing_over_ = false;
};

/// True if a terminal might obey one of the bytes instead of showing it: C0 controls, DEL, and the C1
/// controls as UTF-8 writes them (U+0080 to U+009F). Source: ECMA-48, RFC 3629.
bool has_controls(std::span<const char> bytes);
