#include "common/harness/processes/core_demand.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/harness/processes/process_usage.h"

namespace harness {

using namespace std::chrono_literals;

// The first two numbers of /proc/PID/task/TID/schedstat. A thread that ends meanwhile is left out.
std::map<pid_t, CoreDemand::Spent> CoreDemand::spent_by_threads(pid_t root) {
  std::map<pid_t, Spent> threads;
  for (const pid_t pid : process_tree(root)) {
    std::error_code gone;
    for (auto task = std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone);
         !gone && task != std::filesystem::directory_iterator(); task.increment(gone)) {
      std::ifstream file(task->path() / "schedstat");
      std::int64_t computed = 0;
      std::int64_t waited = 0;
      if (file >> computed >> waited) {
        threads[std::stoi(task->path().filename())] = {.computed = std::chrono::nanoseconds(computed),
                                                       .waited = std::chrono::nanoseconds(waited)};
      }
    }
  }
  return threads;
}

CoreDemand::CoreDemand(pid_t root)
    : root_(root),
      start_(std::chrono::steady_clock::now()),
      cpu_before_(cpu_time(root)),
      before_(spent_by_threads(root)) {}

std::map<pid_t, CoreDemand::Spent> CoreDemand::since_the_start() const {
  auto threads = spent_by_threads(root_);
  for (auto& [thread, spent] : threads) {
    const auto before = before_.find(thread);
    if (before == before_.end()) continue;
    spent.computed = std::max(0ns, spent.computed - before->second.computed);
    spent.waited = std::max(0ns, spent.waited - before->second.waited);
  }
  return threads;
}

std::chrono::nanoseconds CoreDemand::waited() const {
  std::chrono::nanoseconds waited{0};
  for (const auto& [thread, spent] : since_the_start()) waited += spent.waited;
  return waited;
}

double CoreDemand::cores() const {
  const auto threads = since_the_start();
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
  std::chrono::nanoseconds of_the_ended = cpu_time(root_) - cpu_before_;
  double cores = 0;
  for (const auto& [thread, spent] : threads) {
    of_the_ended -= spent.computed;
    const std::chrono::duration<double> computed = spent.computed;
    const std::chrono::duration<double> could_run = passed - spent.waited;
    // The two were not read at the same instant: never more than the whole of the time.
    cores += computed < could_run ? computed / could_run : 1.0;
  }
  return cores + std::max(0.0, of_the_ended / passed);
}

}  // namespace harness
