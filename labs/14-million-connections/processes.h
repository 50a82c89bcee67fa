// Many processes that do a part each, and the little that they tell each other: what they have counted, in
// memory that they share, and when to go on, by a gate.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/net/file_descriptor.h"
#include "labs/14-million-connections/limits.h"

namespace million {

/// What one process has done so far. A cache line each, so that they don't slow each other down.
struct alignas(64) Tally {
  std::atomic<std::int64_t> opened{0};
  std::atomic<std::int64_t> answered{0};
  std::atomic<std::int64_t> failed{0};    // gave a wrong answer, or none
  std::atomic<bool> has_opened{false};    // all that it could
  std::atomic<bool> has_answered{false};  // all that it will
};

/// What all processes read and write: a tally each, and the limit that was met first.
class Board {
 public:
  explicit Board(std::size_t processes);
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  Tally& tally(std::size_t process) { return tallies_[process]; }

  /// Nobody is to open more. The first limit stays.
  void stop(Limit limit) {
    Limit none = Limit::none;
    shared_->limit.compare_exchange_strong(none, limit);
  }
  Limit limit() const { return shared_->limit; }

 private:
  struct alignas(64) Shared {
    std::atomic<Limit> limit{Limit::none};
  };
  std::size_t size_;
  void* memory_;
  Shared* shared_ = nullptr;
  Tally* tallies_ = nullptr;
};

/// Holds processes back until the parent opens it. It is a pipe that nobody writes to: a read from it ends
/// when the last writing end is closed, for all readers at once, and also when the parent is no more.
class Gate {
 public:
  Gate();
  /// In the parent: lets all go on. In a child: gives up its copy of that power, without which wait() would
  /// never end.
  void open() { open_end_.close(); }
  void wait() const;

 private:
  net::FileDescriptor wait_end_, open_end_;
};

/// The user, or the system, wants the program to end.
struct Interrupted {
  int signal;
};

/// The processes. They end with this object, with the parent if it is killed, and by themselves when their
/// part is done.
class Crew {
 public:
  /// From here on the signals that end programs, and those that bring news, come through wait_for_news()
  /// only.
  Crew();
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  const std::vector<pid_t>& processes() const { return processes_; }

  /// Runs `part` in a process of its own. False when the machine allows no more processes. Throws
  /// SystemError.
  bool start(const std::function<void()>& part);

  /// In a child: wakes the parent, which then looks at the board.
  static void tell_parent();

  /// Sleeps until a child has news, but 50 ms at most. Throws Interrupted; runtime_error if a child has
  /// failed.
  void wait_for_news();

  bool all_gone() const { return processes_.empty(); }

 private:
  static int run_child(pid_t parent, const std::function<void()>& part);

  // One SIGCHLD may stand for several ends.
  void reap();

  sigset_t signals_{};
  std::vector<pid_t> processes_;
};

}  // namespace million
