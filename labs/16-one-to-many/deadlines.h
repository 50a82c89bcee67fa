#pragma once

#include <chrono>
#include <map>
#include <optional>

/// How long one who has left the room has to take his last lines and end: who never does is closed then, so
/// that nobody can fill a room with connections that are over.
inline constexpr std::chrono::seconds farewell{10};

/// Until when something may last for each of some descriptors, one moment a descriptor. It waits for nothing:
/// an event loop waits as long as it says, and asks what is due then.
class Deadlines {
 public:
  using Clock = std::chrono::steady_clock;

  /// In place of the one that this descriptor has, if it has one.
  void set(int fd, Clock::time_point when) { moments_[fd] = when; }

  /// Only if it has none.
  void set_first(int fd, Clock::time_point when) { moments_.try_emplace(fd, when); }

  void erase(int fd) { moments_.erase(fd); }

  /// Takes out one whose moment has come; none: no moment has. One at a time, since what is done for the one
  /// can change the moments of others.
  std::optional<int> take_due(Clock::time_point now);

  /// How long a wait may last: milliseconds until the first one, rounded up so that it is due then; -1, for
  /// poll and epoll_wait "without end", if there is none.
  int milliseconds_left(Clock::time_point now) const;

 private:
  std::map<int, Clock::time_point> moments_;
};
