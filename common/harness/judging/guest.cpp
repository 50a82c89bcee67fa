#include "common/harness/judging/guest.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/net/system_error.h"

namespace harness {

bool is_news(std::string_view line) {
  return (line.starts_with("* ") && (line.ends_with(" has joined") || line.ends_with(" has left"))) ||
         line.find(at_the_door) != std::string_view::npos;
}

Guest::Guest(const net::Address& room, const ChatFormat& format, std::string own_name,
             const ClientBuffers& buffers)
    : ClientSocket(room, buffers), format_(&format), own_name_(std::move(own_name)) {
  if (format.has("enter")) to_send_ = format.framed(format.entering(own_name_));
}

void Guest::say(std::string_view bytes, std::size_t still_to_come) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (!is_in_a_line_)
      to_send_ +=
          format_->before_line(own_name_, piece.size() + (end == std::string_view::npos ? still_to_come : 0));
    to_send_ += piece;
    is_in_a_line_ = end == std::string_view::npos;
    if (is_in_a_line_) return;
    to_send_ += format_->behind_line();
    bytes.remove_prefix(end + 1);
  }
}

void Guest::say_that_it_quits() { to_send_ += format_->framed(format_->text("quit")); }

std::uint64_t Guest::proceed() {
  if (fd() < 0) return 0;  // it has left, and its room has not forgotten it yet
  const State before = state_;
  if (state_ == State::connecting) finish_connecting();
  std::uint64_t moved = 0;
  if (state_ == State::open && !to_send_.empty() && !broken_) moved += send_some();
  if (state_ == State::open && ends_ && !ended_ && to_send_.empty()) {
    end_direction();
    ended_ = true;
  }
  if (state_ == State::open && reads_) moved += receive_some();
  return moved + (state_ == before ? 0 : 1);
}

std::uint64_t Guest::send_some() {
  const ssize_t result = send(fd(), to_send_.data(), to_send_.size(), MSG_NOSIGNAL);
  if (result < 0) {
    if (net::is_try_again(errno)) return 0;
    // What had come before the connection broke is still there to be read (Linux), and is read first.
    broken_ = true;
    if (!reads_) fail(errno);
    return 0;
  }
  to_send_.erase(0, static_cast<std::size_t>(result));
  sent_ += static_cast<std::uint64_t>(result);
  return static_cast<std::uint64_t>(result);
}

std::uint64_t Guest::receive_some() {
  std::array<char, 64 * 1024> bytes;
  const ssize_t result = recv(fd(), bytes.data(), bytes.size(), 0);
  if (result < 0) {
    if (!net::is_try_again(errno)) fail(errno);
    return 0;
  }
  if (result == 0) {
    // send has taken the error of a reset away: the read behind it says end of stream.
    state_ = broken_ ? State::reset : State::ended;
    return 0;
  }
  keep({bytes.data(), static_cast<std::size_t>(result)});
  return static_cast<std::uint64_t>(result);
}

void Guest::keep(std::string_view received) {
  constexpr std::string_view greeting = "* you are ";
  half_a_line_ += received;
  std::string_view rest = half_a_line_;
  while (const auto line = format_->take_line(rest)) {
    heard_.push_back(format_->translated(*line));
    if (heard_.back().starts_with(greeting)) names_.push_back(heard_.back().substr(greeting.size()));
  }
  half_a_line_.erase(0, half_a_line_.size() - rest.size());
}

short Guest::interest() const {
  if (fd() < 0 || gone()) return 0;
  if (state_ == State::connecting) return POLLOUT;
  int events = 0;
  if (!to_send_.empty() && !broken_) events |= POLLOUT;
  if (reads_) events |= POLLIN;
  return static_cast<short>(events);
}

bool Guest::has_heard(std::string_view line, std::size_t from) const {
  // The newest first: mostly it is the one that is waited for.
  const auto end = heard_.rend() - static_cast<std::ptrdiff_t>(std::min(from, heard_.size()));
  return std::find(heard_.rbegin(), end, line) != end;
}

void Guest::forget_what_it_heard() {
  heard_.clear();
  next_ = 0;
}

bool Guest::is_to_be_taken(std::string_view line) const {
  const auto is_said_by = [line](const std::string& name) { return line.starts_with(name + ": "); };
  return !is_news(line) && (minds_its_own_ || std::ranges::none_of(names_, is_said_by));
}

std::vector<std::string> Guest::untaken() const {
  std::vector<std::string> lines;
  for (std::size_t i = next_; i < heard_.size(); ++i) {
    if (is_to_be_taken(heard_[i])) lines.push_back(heard_[i]);
  }
  return lines;
}

void Guest::take(std::size_t count) {
  for (; count > 0 && next_ < heard_.size(); ++next_) count -= is_to_be_taken(heard_[next_]) ? 1 : 0;
}

std::string Guest::story() const {
  switch (state_) {
    case State::connecting:
      return "was not even connected";
    case State::refused:
      return "was refused";
    case State::ended:
      return fmt::format("was hung up on after {} lines", heard_.size());
    case State::reset:
      return fmt::format("was reset after {} lines", heard_.size());
    case State::wrong:  // of echoes only
    case State::open:
      break;
  }
  if (!to_send_.empty()) return fmt::format("could not send what it had to say ({} bytes)", to_send_.size());
  return fmt::format("heard nothing more after {} lines", heard_.size());
}

}  // namespace harness
