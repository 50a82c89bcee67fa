// What the user sees while it goes on, on stderr, and the report at the end, on stdout.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "common/terminal/progress_bar.h"
#include "common/timeline/live_display.h"

namespace million {

using timeline::grouped;

/// How far a long piece of work is: a bar that moves on a terminal; elsewhere, and with NO_COLOR, a line a
/// second.
class Progress {
 public:
  void show(const std::string& doing, std::int64_t done, std::int64_t of, const std::string& remark = "");

  /// Takes the bar away: what is printed next stands in its place.
  void clear() { bar_.clear(); }

 private:
  terminal::ProgressBar bar_;
  std::string doing_;
  std::chrono::steady_clock::time_point next_;
};

/// A line of the report, written at once.
void report(const std::string& what, const std::string& text);

}  // namespace million
