#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "common/harness/processes/interruption.h"

namespace bench {

/// Where a program of that name lies on PATH; "" when there is none.
std::string find_program(const std::string& name);

/// A program that runs to its end, its output thrown away, on the calling thread's core. The destructor kills
/// it when it still runs.
class Child {
 public:
  /// `words`: its path and its arguments. Throws net::SystemError.
  explicit Child(std::vector<std::string> words);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// Waits for its end and returns the CPU time that it used, from its start on, user and system (wait4(2)).
  /// Throws harness::Interrupted, and std::runtime_error when it failed.
  std::chrono::nanoseconds wait(const harness::Interruption& interruption);

 private:
  std::string name_;
  pid_t pid_ = -1;
};

}  // namespace bench
