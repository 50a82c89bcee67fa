#include "common/timeline/live_display.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "common/net/server.h"
#include "common/terminal/progress_bar.h"

namespace timeline {

using namespace std::chrono_literals;

namespace {

// A bar's label, the bar, and its number, the longest of them ten characters wide.
std::string drawn(const Bar& bar, std::int64_t cells) {
  const auto size = std::max<std::int64_t>({bar.size, bar.bytes, 1});
  // Rounded up: a queue that isn't empty shows it.
  const auto filled = static_cast<std::size_t>((bar.bytes * cells + size - 1) / size);
  return fmt::format("  {:<21}{} {:>9}", bar.label, terminal::bar_of(filled, static_cast<std::size_t>(cells)),
                     grouped(bar.bytes));
}

}  // namespace

LiveDisplay::LiveDisplay(std::string program)
    : program_(std::move(program)), moving_(terminal::may_move()), on_terminal_(isatty(STDERR_FILENO) == 1) {}

std::chrono::milliseconds LiveDisplay::interval() const { return moving_ ? 50ms : 500ms; }

void LiveDisplay::show(const std::string& status, const std::string& alarm, const std::vector<Bar>& bars) {
  const std::chrono::duration<double> age = std::chrono::steady_clock::now() - begin_;
  if (moving_) {
    move(age.count(), status, alarm, bars);
  } else if (on_terminal_) {
    print_bars(age.count(), status, alarm, bars);
  } else {
    print_line(age.count(), status, alarm, bars);
  }
}

void LiveDisplay::move(double seconds, const std::string& status, const std::string& alarm,
                       const std::vector<Bar>& bars) {
  std::string text;
  // Up to the first line of the last picture, and clear from there (ECMA-48: CUU, ED).
  if (lines_ > 0) text += fmt::format("\033[{}A\033[J", lines_);
  lines_ = bars.size() + 2;
  text += fmt::format("{:6.1f} s  {}\n", seconds, status);
  for (const Bar& bar : bars) text += drawn(bar, 30) + " bytes\n";
  text += fmt::format("  \033[1;31m{}\033[0m\n", alarm);
  static_cast<void>(std::fputs(text.c_str(), stderr));
}

void LiveDisplay::print_bars(double seconds, const std::string& status, const std::string& alarm,
                             const std::vector<Bar>& bars) const {
  // Narrow enough for one of two terminals side by side.
  std::string text = fmt::format("{:.1f} s: {}\n", seconds, status);
  for (const Bar& bar : bars) text += drawn(bar, 12) + "\n";
  if (!alarm.empty()) text += "  " + alarm + "\n";
  static_cast<void>(std::fputs(text.c_str(), stderr));
}

void LiveDisplay::print_line(double seconds, const std::string& status, const std::string& alarm,
                             const std::vector<Bar>& bars) const {
  std::string text = fmt::format("{:.1f} s: {}", seconds, status);
  for (const Bar& bar : bars) text += fmt::format("; {} {}", bar.label, grouped(bar.bytes));
  net::say(program_, alarm.empty() ? text : text + "; " + alarm);
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t place = digits.size(); place > 3;) digits.insert(place -= 3, 1, ',');
  return digits;
}

}  // namespace timeline
