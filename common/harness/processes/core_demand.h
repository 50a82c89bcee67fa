#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>

namespace harness {

/// What a process tree wants of the cores from the moment on in which this object is made, told so that the
/// answer is the same on a busy machine as on a quiet one. Source: Documentation/scheduler/sched-stats.rst of
/// the kernel.
class CoreDemand {
 public:
  explicit CoreDemand(pid_t root);
  /// Summed over the threads that live now: how long each could have run and had no core. Of one that has
  /// ended meanwhile nobody knows any more.
  std::chrono::nanoseconds waited() const;
  /// How many cores it would have used had it never waited for one: of each thread the CPU time, relative to
  /// the time that passed while it did not wait. A thread that never rests counts 1, however small the share
  /// that the others leave it; one that wakes up now and then for an instant counts that instant only,
  /// however long it waits for a core each time. Threads and children that have ended count with their CPU
  /// time.
  double cores() const;

 private:
  struct Spent {
    std::chrono::nanoseconds computed{0};
    std::chrono::nanoseconds waited{0};
  };
  static std::map<pid_t, Spent> spent_by_threads(pid_t root);
  std::map<pid_t, Spent> since_the_start() const;

  pid_t root_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::nanoseconds cpu_before_;
  std::map<pid_t, Spent> before_;
};

}  // namespace harness
