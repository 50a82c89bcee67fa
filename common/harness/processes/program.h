#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/harness/processes/interruption.h"
#include "common/harness/processes/memory_file.h"
#include "common/net/address.h"

namespace harness {

/// A program of the labs that is no echo server, for an experiment that watches what it says. Runs in a
/// process group of its own; the destructor kills the group and reaps the program. Should the harness itself
/// be killed, the kernel kills it (PR_SET_PDEATHSIG).
class Program {
 public:
  /// Starts `words`: the program's path and its options. `cores` are those that it may run on; none: the
  /// harness's own. The interruption must outlive this object. Throws std::runtime_error when it can't be
  /// executed.
  Program(std::vector<std::string> words, const std::vector<int>& cores, const Interruption& interruption);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

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

  /// The lines that it has written so far.
  std::vector<std::string> stdout_lines() const;
  std::vector<std::string> stderr_lines() const;

 private:
  void start(std::vector<std::string>& words, const std::vector<int>& cores);
  bool has_ended();
  void kill_group() noexcept;

  std::string name_;
  const Interruption& interruption_;
  pid_t pid_ = -1;
  std::optional<int> status_;  // of waitpid, once it has ended
  MemoryFile stdout_;
  MemoryFile stderr_;
};

}  // namespace harness
