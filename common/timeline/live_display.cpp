#include "common/timeline/live_display.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "common/net/server.h"
#include "common/terminal/progress_bar.h"

namespace timeline {

using namespace std::chrono_literals;

namespace {

constexpr std::int64_t cells = 30;

std::string drawn(const Bar& bar) {
  const auto size = std::max<std::int64_t>({bar.size, bar.bytes, 1});
  // Rounded up: a queue that isn't empty shows it.
  const auto filled = static_cast<std::size_t>((bar.bytes * cells + size - 1) / size);
  return fmt::format("  {:<21}{} {:>9} bytes", bar.label, terminal::bar_of(filled, cells),
                     grouped(bar.bytes));
}

}  // namespace

LiveDisplay::LiveDisplay(std::string program) : program_(std::move(program)), moving_(terminal::may_move()) {}

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
