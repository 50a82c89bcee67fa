// Many processes that do a part each, and the little that they tell each other: what they have counted, in
// memory that they share, and when to go on, by a gate.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/net/file_descriptor.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
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
  explicit Board(std::size_t processes)
      : size_(sizeof(Shared) + processes * sizeof(Tally)),
        memory_(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw net::SystemError("mmap");
    shared_ = new (memory_) Shared;
    tallies_ = static_cast<Tally*>(static_cast<void*>(static_cast<char*>(memory_) + sizeof(Shared)));
    std::uninitialized_value_construct_n(tallies_, processes);
  }
  ~Board() { munmap(memory_, size_); }
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
  Gate() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) < 0) throw net::SystemError("pipe2");
    wait_end_ = net::FileDescriptor(ends[0]);
    open_end_ = net::FileDescriptor(ends[1]);
  }
  /// In the parent: lets all go on. In a child: gives up its copy of that power, without which wait() would
  /// never end.
  void open() { open_end_.close(); }
  void wait() const {
    char nothing = 0;
    while (read(wait_end_.fd(), &nothing, 1) < 0) {
      if (errno != EINTR) throw net::SystemError("read");
    }
  }

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
  Crew() {
    sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1}) sigaddset(&signals_, signal);
    if (sigprocmask(SIG_BLOCK, &signals_, nullptr) < 0) throw net::SystemError("sigprocmask");
  }
  ~Crew() {
    for (const pid_t process : processes_) kill(process, SIGKILL);
    for (const pid_t process : processes_) waitpid(process, nullptr, 0);
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  const std::vector<pid_t>& processes() const { return processes_; }

  /// Runs `part` in a process of its own. False when the machine allows no more processes. Throws
  /// SystemError.
  bool start(const std::function<void()>& part) {
    const pid_t parent = getpid();
    const pid_t process = fork();
    if (process < 0 && (errno == EAGAIN || errno == ENOMEM)) return false;
    if (process < 0) throw net::SystemError("fork");
    if (process > 0) processes_.push_back(process);
    if (process == 0) _exit(run_child(parent, part));
    return true;
  }

  /// In a child: wakes the parent, which then looks at the board.
  static void tell_parent() { kill(getppid(), SIGUSR1); }

  /// Sleeps until a child has news, but 50 ms at most. Throws Interrupted; runtime_error if a child has
  /// failed.
  void wait_for_news() {
    const timespec at_most{.tv_sec = 0, .tv_nsec = 50'000'000};
    const int signal = sigtimedwait(&signals_, nullptr, &at_most);
    if (signal < 0 && !net::is_try_again(errno)) throw net::SystemError("sigtimedwait");
    if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) throw Interrupted{signal};
    if (signal == SIGCHLD) reap();
  }

  bool all_gone() const { return processes_.empty(); }

 private:
  static int run_child(pid_t parent, const std::function<void()>& part) {
    try {
      if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) throw net::SystemError("prctl PR_SET_PDEATHSIG");
      if (getppid() != parent) return 1;  // it had ended before prctl
      part();
      return 0;
    } catch (const std::exception& error) {
      net::say("million", error.what());
      return 1;
    }
  }

  // One SIGCHLD may stand for several ends.
  void reap() {
    int status = 0;
    for (pid_t ended = 0; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
      std::erase(processes_, ended);
      if (WIFSIGNALED(status))
        throw std::runtime_error(fmt::format("process {} was ended by signal {}", ended, WTERMSIG(status)));
      if (WEXITSTATUS(status) != 0) throw std::runtime_error(fmt::format("process {} has failed", ended));
    }
  }

  sigset_t signals_{};
  std::vector<pid_t> processes_;
};

}  // namespace million
