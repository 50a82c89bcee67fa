#include "labs/14-million-connections/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "common/net/system_error.h"

namespace million {

std::int64_t divided_up(std::int64_t number, std::int64_t by) { return (number + by - 1) / by; }

std::int64_t cores() { return std::max(1U, std::thread::hardware_concurrency()); }

Plan Plan::make(std::int64_t wish) {
  const std::int64_t system_files = connections_by_system_files();
  Plan plan{.connections = std::min(wish, system_files), .processes = 0, .each = 0, .descriptors = {}};
  if (system_files < wish) plan.limit = Limit::system_files;
  const std::int64_t others = open_descriptors() + 16;
  plan.descriptors = raise_descriptor_limit(others + 2 * divided_up(plan.connections, cores()));
  const std::int64_t most_each = (plan.descriptors.most - others) / 2;
  if (most_each < 1)
    throw net::SystemError(fmt::format("{} descriptors a process", plan.descriptors.most), EMFILE);
  plan.processes = std::max(divided_up(plan.connections, most_each), std::min(cores(), plan.connections));
  if (plan.processes > processes_allowed()) {
    plan.limit = Limit::processes;
    plan.processes = processes_allowed();
    plan.connections = plan.processes * most_each;
  }
  plan.each = divided_up(plan.connections, std::max<std::int64_t>(1, plan.processes));
  return plan;
}

}  // namespace million
