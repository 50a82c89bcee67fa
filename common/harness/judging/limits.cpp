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

std::uint64_t start_with_few_descriptors(Trial& trial) {
  const std::uint64_t limit = limit_for(trial.process(), more_than_it_has_room_for / 2);
  try {
    trial.start_again({.descriptor_limit = limit});
  } catch (const ServerError& error) {
    say_not_applicable(
        fmt::format("with a limit of {} descriptors it doesn't even start: {}", limit, error.what()));
  }
  return limit;
}

std::string require_calm_without_descriptors(Trial& trial, std::size_t served, std::string story) {
  constexpr std::size_t fewest = 8;
  constexpr double spins = 0.25;
  if (served == more_than_it_has_room_for)
    say_not_applicable(story + ": it needs no descriptor of its own for each");
  if (trial.end_within(std::chrono::milliseconds(50)))
    say_no(story + ", then it ended", "accept's EMFILE is taken for the end (labs 07 and 09)");
  if (served < fewest) say_no(story + ": fewer than there was room for");
  // Whoever tries again once a second, as some libraries do, is asked for two whole rounds.
  const double share = trial.wanted_cores(std::chrono::milliseconds(2000));
  story += fmt::format(", {:.0f} % of a core wanted while full", share * 100);
  if (share > spins) {
    say_no(fmt::format("{}: it spins (bound: {:.0f} %)", story, spins * 100),
           "accept fails with EMFILE, the connection stays queued, so the listener stays readable: close a "
           "reserved descriptor, accept, close (labs 07 and 09)");
  }
  return story;
}

}  // namespace harness
