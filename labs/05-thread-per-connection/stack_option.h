#pragma once

#include <cstdint>

#include "common/net/command_line.h"

/// `--stack`: how large the stacks of this program's threads are to be, in bytes. Not given, they are as the
/// system has it: as `ulimit -s` says, usually 8 MiB. Must outlive the command line's parse().
class StackOption {
 public:
  /// Throws SystemError.
  explicit StackOption(net::CommandLine& options);

  /// What was asked for, in whole pages: no less can be mapped.
  std::int64_t bytes() const;

  /// Gives such a stack to each thread made from now on. std::thread takes no attributes, so it is the
  /// default ones that change (pthread_setattr_default_np(3), of the GNU C library alone). Throws
  /// SystemError.
  void apply() const;

 private:
  std::int64_t bytes_;
};
