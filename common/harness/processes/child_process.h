#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/harness/processes/interruption.h"
#include "common/net/file_descriptor.h"

namespace harness {

/// How a child begins.
struct ChildCommand {
  /// The program, looked for on PATH when there is no slash in it, and its arguments.
  std::vector<std::string> words;
  /// The descriptors that become its stdin, stdout and stderr; they stay the caller's. None: /dev/null.
  std::optional<int> input = std::nullopt;
  std::optional<int> output = std::nullopt;
  std::optional<int> errors = std::nullopt;
  /// The cores that it may run on; none: those of the calling thread.
  std::vector<int> cores = {};
  /// Its limit of open descriptors (RLIMIT_NOFILE, soft and hard); none: the caller's own.
  std::optional<rlim_t> descriptor_limit = std::nullopt;
};

/// The program can't be executed; reason() is the kernel's, what() names the program too.
class CannotStart : public std::runtime_error {
 public:
  CannotStart(const std::string& program, int error_number);
  const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
};

/// A program that runs as a child, in a process group of its own, without the signals that the caller has
/// blocked and without its files. The destructor ends it and all that it has started, also what has gone into
/// the background: the caller's process becomes the parent of such orphans (PR_SET_CHILD_SUBREAPER). Should
/// the caller be killed outright, the kernel kills the child (PR_SET_PDEATHSIG). A child that has ended isn't
/// reaped before the destructor: as long as it is a zombie, no other process gets its number, so that a
/// signal to it or its group can't hit a stranger.
class ChildProcess {
 public:
  /// Throws CannotStart, net::SystemError.
  explicit ChildProcess(const ChildCommand& command);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  pid_t pid() const { return pid_; }

  /// Waits for its end, at most `timeout`; true once it has ended. Throws Interrupted, when an interruption
  /// is given.
  bool wait_for_end(std::chrono::milliseconds timeout, const Interruption* interruption = nullptr);
  bool has_ended() { return wait_for_end(std::chrono::milliseconds(0)); }

  /// "still runs", "exit 0" or "killed by signal 13 (SIGPIPE)".
  std::string how_it_fares();
  /// Its exit code; none while it runs, and when a signal has killed it.
  std::optional<int> exit_code();
  /// True if this signal has killed it.
  bool ended_by(int signal);
  /// The CPU time, user and system, that it and the children that it has waited for have used until its end.
  std::chrono::nanoseconds cpu_time_until_end() const { return cpu_time_; }

  /// To the program alone; one that has ended takes no notice. Throws net::SystemError.
  void send_signal(int signal) const;
  /// Halts it: from the return of this call on it does nothing, until it gets SIGCONT. False when it has
  /// ended.
  bool pause();

  /// What lives of all that it has started: itself, its descendants, its process group, and what has gone
  /// into the background (told by a mark in the environment, which all of them inherit). No zombies.
  std::vector<pid_t> living_family() const;

 private:
  void kill_family() const;

  std::string mark_;
  pid_t pid_ = -1;
  net::FileDescriptor end_;  // of pidfd_open(2): readable once it has ended
  std::optional<siginfo_t> ended_;
  std::chrono::nanoseconds cpu_time_{0};
};

}  // namespace harness
