#include "labs/05-thread-per-connection/thread_limits.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "common/kernel/numbers.h"
#include "common/net/system_error.h"

namespace {

// Once the numbers have gone round, threads get none below this one (RESERVED_PIDS in the kernel's
// kernel/pid.c).
constexpr std::int64_t lowest_number = 300;

// Those that have such a number because they are as old as the machine's start. (A thread's number has a
// folder in /proc, too, though none that a listing shows.)
std::int64_t threads_with_low_numbers() {
  std::int64_t threads = 0;
  for (std::int64_t number = 1; number < lowest_number; ++number) {
    threads += std::filesystem::exists("/proc/" + std::to_string(number)) ? 1 : 0;
  }
  return threads;
}

// Those of the processes that belong to this program's user.
std::int64_t threads_of_this_user() {
  std::int64_t threads = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    if (entry.is_symlink()) continue;  // self, thread-self
    const std::filesystem::path status = entry.path() / "status";
    if (kernel::number_behind("Uid:", status) == getuid())
      threads += kernel::number_behind("Threads:", status).value_or(0);
  }
  return threads;
}

std::int64_t mappings_of_this_process() {
  std::ifstream file("/proc/self/maps");
  return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
}

// None if it is unlimited.
std::optional<std::int64_t> resource_limit(__rlimit_resource resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) < 0) throw net::SystemError("getrlimit");
  if (limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return static_cast<std::int64_t>(limit.rlim_cur);
}

}  // namespace

std::vector<std::filesystem::path> cgroup_files(const std::string& controller, const std::string& file) {
  std::vector<std::filesystem::path> found;
  std::ifstream groups("/proc/self/cgroup");  // lines ID:CONTROLLERS:PATH; version 2 names no controllers
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && ("," + controllers + ",").find("," + controller + ",") == std::string::npos) {
      continue;
    }
    const std::filesystem::path root = std::filesystem::path("/sys/fs/cgroup") / controllers;
    for (std::filesystem::path group = line.substr(second + 1);; group = group.parent_path()) {
      const std::filesystem::path path = root / group.relative_path() / file;
      if (std::error_code unseen; std::filesystem::exists(path, unseen)) found.push_back(path);
      if (group == group.parent_path()) break;
    }
  }
  return found;
}

std::vector<ThreadLimit> thread_limits(std::int64_t stack_bytes) {
  std::vector<ThreadLimit> limits;
  const auto add = [&limits](std::string name, std::string of_what, std::optional<std::int64_t> used,
                             std::optional<std::int64_t> allowed, std::int64_t each = 1) {
    if (used && allowed) limits.push_back({std::move(name), std::move(of_what), *used, *allowed, each});
  };
  const std::int64_t stack_kib = stack_bytes / 1024;
  // It doesn't bind root (setrlimit(2), RLIMIT_NPROC).
  if (getuid() != 0) {
    add("ulimit -u", "threads of this user", threads_of_this_user(), resource_limit(RLIMIT_NPROC));
  }
  add("kernel.threads-max", "threads of the machine", kernel::threads_of_the_machine(),
      kernel::number_in("/proc/sys/kernel/threads-max"));
  if (const auto numbers = kernel::number_in("/proc/sys/kernel/pid_max")) {
    add("kernel.pid_max", "numbers, without the low 300",
        kernel::threads_of_the_machine() - threads_with_low_numbers(), *numbers - lowest_number);
  }
  add("vm.max_map_count", "mappings, two for a thread", mappings_of_this_process(),
      kernel::number_in("/proc/sys/vm/max_map_count"), 2);
  for (const auto& file : cgroup_files("pids", "pids.max")) {
    add("pids.max", "threads of a control group", kernel::number_in(file.parent_path() / "pids.current"),
        kernel::number_in(file));
  }
  if (const auto bytes = resource_limit(RLIMIT_AS)) {
    add("ulimit -v", "KiB of addresses", kernel::number_behind("VmSize:", "/proc/self/status"), *bytes / 1024,
        stack_kib);
  }
  // 2: addresses count as if they were memory (proc(5)).
  if (kernel::number_in("/proc/sys/vm/overcommit_memory") == 2) {
    add("CommitLimit", "KiB promised to programs", kernel::number_behind("Committed_AS:", "/proc/meminfo"),
        kernel::number_behind("CommitLimit:", "/proc/meminfo"), stack_kib);
  }
  return limits;
}
