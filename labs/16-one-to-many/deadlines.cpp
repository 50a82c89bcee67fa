#include "labs/16-one-to-many/deadlines.h"

#include <algorithm>

std::vector<int> Deadlines::take_due(Clock::time_point now) {
  std::vector<int> due;
  for (auto moment = moments_.begin(); moment != moments_.end();) {
    if (moment->second > now) {
      ++moment;
    } else {
      due.push_back(moment->first);
      moment = moments_.erase(moment);
    }
  }
  return due;
}

int Deadlines::milliseconds_left(Clock::time_point now) const {
  if (moments_.empty()) return -1;
  Clock::time_point first = Clock::time_point::max();
  for (const auto& [fd, moment] : moments_) first = std::min(first, moment);
  using std::chrono::milliseconds;
  return static_cast<int>(std::max(std::chrono::ceil<milliseconds>(first - now), milliseconds(0)).count());
}
