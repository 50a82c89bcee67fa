#include "common/terminal/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace terminal {

namespace {

void tell(const std::string& text) {
  static_cast<void>(std::fputs(text.c_str(), stderr));
  static_cast<void>(std::fflush(stderr));
}

}  // namespace

bool may_colour(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(fd) == 1 && (no_color == nullptr || *no_color == '\0');
}

bool may_move() {
  const char* name = std::getenv("TERM");
  return may_colour(STDERR_FILENO) && name != nullptr && std::string_view(name) != "dumb";
}

std::string bar_of(std::size_t filled, std::size_t cells) {
  std::string bar;
  for (std::size_t cell = 0; cell < cells; ++cell) bar += cell < filled ? "█" : "░";
  return bar;
}

void ProgressBar::draw(double share, const std::string& words) {
  constexpr std::size_t cells = 20;
  const auto filled = static_cast<std::size_t>(std::floor(std::clamp(share, 0.0, 1.0) * cells));
  // \r to the line's beginning, ESC[K clears what an earlier, longer text has left (ECMA-48).
  tell("\r" + bar_of(filled, cells) + " " + words + "\x1b[K");
  drawn_ = true;
}

void ProgressBar::say(const std::string& line) {
  clear();
  tell(line + "\n");
}

void ProgressBar::clear() {
  if (drawn_) tell("\r\x1b[K");
  drawn_ = false;
}

void ProgressBar::leave() {
  if (drawn_) tell("\n");
  drawn_ = false;
}

}  // namespace terminal
