#pragma once

#include <pthread.h>
#include <unistd.h>

#include <climits>
#include <cstdint>

#include "common/net/command_line.h"
#include "common/net/system_error.h"

/// `--stack`: how large the stacks of this program's threads are to be, in bytes. Not given, they are as the
/// system has it: as `ulimit -s` says, usually 8 MiB. Must outlive the command line's parse().
class StackOption {
 public:
  /// Throws SystemError.
  explicit StackOption(net::CommandLine& options) : bytes_(Attributes().stack_bytes()) {
    options.number("--stack", bytes_, PTHREAD_STACK_MIN, largest, "bytes of stack for each thread");
  }

  /// What was asked for, in whole pages: no less can be mapped.
  std::int64_t bytes() const {
    const std::int64_t page = sysconf(_SC_PAGESIZE);
    return (bytes_ + page - 1) / page * page;
  }

  /// Gives such a stack to each thread made from now on. std::thread takes no attributes, so it is the
  /// default ones that change (pthread_setattr_default_np(3), of the GNU C library alone). Throws
  /// SystemError.
  void apply() const {
    Attributes attributes;
    attributes.set_stack_bytes(bytes());
    attributes.become_default();
  }

 private:
  static constexpr std::int64_t largest = std::int64_t{1} << 30;

  /// A copy of the attributes that a new thread gets.
  class Attributes {
   public:
    Attributes() { check("pthread_getattr_default_np", pthread_getattr_default_np(&attributes_)); }
    ~Attributes() { pthread_attr_destroy(&attributes_); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;

    std::int64_t stack_bytes() const {
      std::size_t size = 0;
      check("pthread_attr_getstacksize", pthread_attr_getstacksize(&attributes_, &size));
      return static_cast<std::int64_t>(size);
    }
    void set_stack_bytes(std::int64_t bytes) {
      const auto size = static_cast<std::size_t>(bytes);
      check("pthread_attr_setstacksize", pthread_attr_setstacksize(&attributes_, size));
    }
    void become_default() const {
      check("pthread_setattr_default_np", pthread_setattr_default_np(&attributes_));
    }

   private:
    // These calls return their error number and leave errno alone.
    static void check(const char* call, int error_number) {
      if (error_number != 0) throw net::SystemError(call, error_number);
    }

    pthread_attr_t attributes_{};
  };

  std::int64_t bytes_;
};
