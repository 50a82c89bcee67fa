#include "common/harness/judging/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/harness/judging/finding.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/processes/process_usage.h"

namespace harness {

void need_descriptors(std::uint64_t count) {
  if (raise_descriptor_limit() < count)
    say_not_applicable(fmt::format("the judge needs 'ulimit -n' of at least {}", count));
}

// It is one of numbers, and the lowest free number is given out next (getrlimit(2), open(2)).
std::uint64_t limit_for(const ServerProcess& process, std::uint64_t more) {
  std::uint64_t limit = 0;
  for (const pid_t pid : process_tree(process.pid())) {
    const std::set<int> taken = open_descriptors(pid);
    int numbers = 0;
    for (std::uint64_t free = 0; free < more; ++numbers) free += taken.contains(numbers) ? 0 : 1;
    limit = std::max(limit, static_cast<std::uint64_t>(numbers));
  }
  return limit;
}

}  // namespace harness
