#pragma once

#include <string>

namespace net {

/// Prints `message` on stderr behind `program`, as one line. Never fails and never waits: a server must not
/// end because nobody can read its complaints (a full disk, a pipe whose reader has gone), nor stand still
/// because nobody does. Of a line that has no room there now, nothing is printed; a line longer than PIPE_BUF
/// (4096 bytes), which a pipe may take in parts, is cut.
void say(const std::string& program, const std::string& message) noexcept;

/// The same without a program's name before it.
void say(const std::string& message) noexcept;

/// Something to complain of that a client can cause again and again: it is said the first time, and no more.
class Complaint {
 public:
  /// As net::say, behind the name that this program was started by.
  void say(const std::string& message) noexcept;

 private:
  bool is_said_ = false;
};

}  // namespace net
