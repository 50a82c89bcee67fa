#include "common/harness/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace harness {

namespace {

// Progress is said to whoever listens: that nobody does (a full disk, a closed pipe) ends no measurement.
void tell(const std::string& text) {
  static_cast<void>(std::fputs(text.c_str(), stderr));
  static_cast<void>(std::fflush(stderr));
}

}  // namespace

bool is_terminal(int fd) { return isatty(fd) == 1; }

bool may_colour(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  return is_terminal(fd) && (no_color == nullptr || *no_color == '\0');
}

Progress::Progress(std::string title, std::size_t steps)
    : title_(std::move(title)), steps_(steps), bar_(is_terminal(STDERR_FILENO)) {}

Progress::~Progress() { finish(); }

void Progress::finish() {
  if (bar_ && begun_ > 0) tell("\n");
  begun_ = 0;
}

void Progress::note(const std::string& what) const {
  tell(fmt::format("{}{}\n", bar_ ? "\r\x1b[K" : "", what));
}

void Progress::step(const std::string& what) {
  ++begun_;
  draw(what);
}

void Progress::draw(const std::string& what) const {
  if (!bar_) {
    tell(fmt::format("{} {}/{}: {}\n", title_, begun_, steps_, what));
    return;
  }
  constexpr std::size_t width = 20;
  const std::size_t filled = steps_ == 0 ? width : (begun_ - 1) * width / steps_;
  // \r to the line's beginning, ESC[K clears what an earlier, longer text has left.
  tell(fmt::format("\r{:<26} [{:<{}}] {:>3}/{} {:.36}\x1b[K", title_, std::string(filled, '#'), width, begun_,
                   steps_, what));
}

}  // namespace harness
