#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/harness/processes/child_process.h"
#include "common/harness/processes/interruption.h"
#include "common/harness/processes/memory_file.h"
#include "common/net/address.h"

namespace harness {

/// A program of the labs that is no echo server, for an experiment that watches what it says. A child as
/// child_process.h tells: the destructor ends it and all that it has started.
class Program {
 public:
  /// Starts `words`: the program's path and its options. `cores` are those that it may run on; none: the
  /// harness's own. The interruption must outlive this object. Throws CannotStart.
  Program(const std::vector<std::string>& words, const std::vector<int>& cores,
          const Interruption& interruption);

  /// Waits for the line `listening on HOST:PORT` on stdout and returns that address. Throws
  /// std::runtime_error when another line comes, the program ends or nothing comes within 10 s, and
  /// Interrupted.
  net::Address wait_until_listening();

  /// Halts it: from the return of this call on it does nothing, until resume() (SIGSTOP and SIGCONT,
  /// signal(7)). Throws std::runtime_error when it has ended.
  void pause();
  void resume() const;

  /// Waits until it has ended with exit code 0. Throws std::runtime_error, with its last line on stderr, when
  /// it ends otherwise or not within `timeout`, and Interrupted.
  void wait_for_success(std::chrono::milliseconds timeout);

  /// Once it has ended: the CPU time that it has used, user and system, and the children that it waited for.
  std::chrono::nanoseconds cpu_time() const { return child_.cpu_time_until_end(); }

  /// The lines that it has written so far.
  std::vector<std::string> stdout_lines() const;
  std::vector<std::string> stderr_lines() const;

 private:
  std::string name_;
  const Interruption& interruption_;
  MemoryFile stdout_;
  MemoryFile stderr_;
  ChildProcess child_;
};

}  // namespace harness
