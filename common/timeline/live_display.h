#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace timeline {

/// A queue as a bar: how much of its size is filled.
struct Bar {
  std::string label;
  std::int64_t bytes = 0;
  std::int64_t size = 0;
};

/// Shows on stderr how a transfer stands: bars that move on a terminal; bars below one another where nothing
/// may move (TERM=dumb, NO_COLOR); elsewhere a plain line for each moment, for grep.
class LiveDisplay {
 public:
  explicit LiveDisplay(std::string program);

  /// How long to wait between two calls of show().
  std::chrono::milliseconds interval() const;

  /// `status` is one line; `alarm`, shown in red where there is colour, stands behind it and may be empty.
  void show(const std::string& status, const std::string& alarm, const std::vector<Bar>& bars);

 private:
  void move(double seconds, const std::string& status, const std::string& alarm,
            const std::vector<Bar>& bars);
  void print_bars(double seconds, const std::string& status, const std::string& alarm,
                  const std::vector<Bar>& bars) const;
  void print_line(double seconds, const std::string& status, const std::string& alarm,
                  const std::vector<Bar>& bars) const;

  std::string program_;
  bool moving_;
  bool on_terminal_;
  std::size_t lines_ = 0;  // of the last picture
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// 1234567 as "1,234,567".
std::string grouped(std::int64_t number);

}  // namespace timeline
