#include "labs/16-one-to-many/deadlines.h"

#include <algorithm>

std::optional<int> Deadlines::take_due(Clock::time_point now) {
  const auto due = std::find_if(moments_.begin(), moments_.end(),
                                [now](const auto& moment) { return moment.second <= now; });
  if (due == moments_.end()) return std::nullopt;
  const int fd = due->first;
  moments_.erase(due);
  return fd;
}

int Deadlines::milliseconds_left(Clock::time_point now) const {
  if (moments_.empty()) return -1;
  Clock::time_point first = Clock::time_point::max();
  for (const auto& [fd, moment] : moments_) first = std::min(first, moment);
  using std::chrono::milliseconds;
  return static_cast<int>(std::max(std::chrono::ceil<milliseconds>(first - now), milliseconds(0)).count());
}
