#include "common/timeline/live_display.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "common/net/server.h"

namespace timeline {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t cells = 30;

bool may_move() {
  const char* no_color = std::getenv("NO_COLOR");  // no-color.org: set and not empty
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') && terminal != nullptr &&
         std::string_view(terminal) != "dumb";
}

std::string drawn(const Bar& bar) {
  const auto size = std::max<std::int64_t>({bar.size, bar.bytes, 1});
  // Rounded up: a queue that isn't empty shows it.
  const auto filled = static_cast<std::size_t>((bar.bytes * cells + size - 1) / size);
  std::string line = fmt::format("  {:<21}", bar.label);
  for (std::size_t cell = 0; cell < static_cast<std::size_t>(cells); ++cell)
    line += cell < filled ? "█" : "░";
  return line + fmt::format(" {:>9} bytes", grouped(bar.bytes));
}

}  // namespace

LiveDisplay::LiveDisplay(std::string program) : program_(std::move(program)), moving_(may_move()) {}

std::chrono::milliseconds LiveDisplay::interval() const { return moving_ ? 50ms : 500ms; }

void LiveDisplay::show(const std::string& status, const std::string& alarm, const std::vector<Bar>& bars) {
  const std::chrono::duration<double> age = std::chrono::steady_clock::now() - begin_;
  std::string text;
  if (moving_) {
    // Up to the first line of the last picture, and clear from there (ECMA-48: CUU, ED).
    if (lines_ > 0) text += fmt::format("\033[{}A\033[J", lines_);
    lines_ = bars.size() + 2;
    text += fmt::format("{:6.1f} s  {}\n", age.count(), status);
    for (const Bar& bar : bars) text += drawn(bar) + "\n";
    text += fmt::format("  \033[1;31m{}\033[0m\n", alarm);
    static_cast<void>(std::fputs(text.c_str(), stderr));
  } else {
    text = fmt::format("{:.1f} s: {}", age.count(), status);
    for (const Bar& bar : bars) text += fmt::format("; {} {}", bar.label, grouped(bar.bytes));
    net::say(program_, alarm.empty() ? text : text + "; " + alarm);
  }
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t place = digits.size(); place > 3;) digits.insert(place -= 3, 1, ',');
  return digits;
}

}  // namespace timeline
