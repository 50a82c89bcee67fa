#pragma once

#include <algorithm>
#include <chrono>

namespace harness {

/// How long epoll_wait may sleep for who has something to do at `wake_up`: whole milliseconds, at most 20. A
/// sleep ends some tens of microseconds late, so it is cut short by one at least; the rest is spent asking
/// again and again.
inline int punctual_sleep(std::chrono::steady_clock::time_point wake_up,
                          std::chrono::steady_clock::time_point now) {
  using namespace std::chrono_literals;
  constexpr auto longest = 20ms;
  if (wake_up >= now + longest) return longest / 1ms;
  return std::max(0, static_cast<int>((wake_up - now) / 1ms) - 1);
}

}  // namespace harness
