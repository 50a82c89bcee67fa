#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

/// Something that there is only so much of, and that each new thread takes some of.
struct ThreadLimit {
  std::string name;
  std::string of_what;
  std::int64_t used = 0;
  std::int64_t allowed = 0;
  std::int64_t each = 1;  ///< what one thread takes

  /// How many threads more fit below it.
  std::int64_t room() const { return (allowed - used) / each; }
};

/// The file of a controller ("pids" or "memory") for each control group that this process is in, its own and
/// those above, as far as they can be seen from here. Sources: cgroups(7); /sys/fs/cgroup is where it is
/// mounted by convention.
std::vector<std::filesystem::path> cgroup_files(const std::string& controller, const std::string& file);

/// What pthread_create can run out of, as far as this machine tells (fork(2) and pthread_create(3), EAGAIN).
/// `stack_bytes` is what each thread gets. Throws SystemError.
std::vector<ThreadLimit> thread_limits(std::int64_t stack_bytes);
