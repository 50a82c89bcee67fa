#pragma once

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>

namespace demonstration {

/// What a system call answered: its result and, behind a negative one, errno. To be made from the result
/// right after the call.
struct Answer {
  Answer(long returned)
      : result(returned), error(returned < 0 ? errno : 0) {}  // NOLINT(*-explicit-*): it is the result
  bool failed_with(int error_number) const { return result < 0 && error == error_number; }

  long result;
  int error;
};

/// "5", or "ECONNRESET (Connection reset by peer)".
std::string to_string(const Answer& answer);

/// The names of poll's events, the wanted and the answered ones, as in poll(2) but without POLL:
/// "IN|OUT|RDHUP"; "-" for none.
std::string poll_events(short events);

/// What a program shows: situations, what the system calls answered in them, and statements with a verdict
/// that is computed from those answers. Each line is written at once. All throw net::SystemError when it
/// can't be.
class Demonstration {
 public:
  /// Writes to `out`, which stays the caller's.
  explicit Demonstration(std::FILE* out = stdout) : out_(out) {}

  /// A headline, with an empty line above if something stands there.
  void situation(std::string_view text);

  /// Shows `  send 5 bytes → ECONNRESET (Connection reset by peer)` and hands the answer back:
  /// `demo.call("send 5 bytes", send(…))`.
  Answer call(std::string_view what, Answer answer);

  /// The same for what no single call answered.
  void shows(std::string_view what, std::string_view seen);

  /// The verdict: `as described: STATEMENT` if it holds, else `NOT as described: STATEMENT`.
  void states(std::string_view statement, bool holds);

  /// A statement as a row of a table: a situation, what was seen in it, and whether that is what is
  /// described.
  void row(std::string_view situation, std::string_view seen, std::string_view described);

  /// For main: 0 if there were statements and all held, else 1.
  int exit_code() const { return held_ > 0 && !failed_ ? 0 : 1; }

 private:
  void print_line(const std::string& line);
  void verdict(bool holds);

  std::FILE* out_;
  bool begun_ = false;
  int held_ = 0;
  bool failed_ = false;
};

}  // namespace demonstration
