#include "labs/14-million-connections/display.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "common/net/server.h"
#include "common/net/system_error.h"

namespace million {

void report(const std::string& what, const std::string& text) {
  fmt::print("{:<15}{}\n", what + ":", text);
  if (std::fflush(stdout) != 0) throw net::SystemError("write to stdout");
}

void ProgressBar::show(const std::string& doing, std::int64_t done, std::int64_t of,
                       const std::string& remark) {
  using namespace std::chrono_literals;
  const auto now = std::chrono::steady_clock::now();
  const bool other_work = doing != doing_;
  if (now < next_ && !other_work) return;
  next_ = now + (moving_ ? 50ms : 1000ms);
  doing_ = doing;
  const std::string text =
      fmt::format("{} {} of {}{}{}", doing, grouped(done), grouped(of), remark.empty() ? "" : ", ", remark);
  if (!moving_) {
    net::say("million", text);
    return;
  }
  constexpr std::int64_t cells = 20;
  std::string bar;
  for (std::int64_t cell = 0; cell < cells; ++cell) bar += cell < done * cells / of ? "█" : "░";
  // \r to the line's beginning, ESC[K clears what an earlier, longer text has left.
  fmt::print(stderr, "\r{} {}\x1b[K", bar, text);
  drawn_ = true;
}

void ProgressBar::clear() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
  drawn_ = false;
}

bool ProgressBar::may_move() {
  const char* no_color = std::getenv("NO_COLOR");  // no-color.org: set and not empty
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') && terminal != nullptr &&
         std::string_view(terminal) != "dumb";
}

}  // namespace million
