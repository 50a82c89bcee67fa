#include "common/harness/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace harness {

Build measurable_build() {
  Build build = read_build(program_folder() + "/build.json");
  if (build.measurable) return build;
  throw BadUse(fmt::format(
      "this build is not for measuring ({}): use one with -O2 and without sanitizers, as 'make build' makes",
      build.sanitize.empty() ? "not optimised" : "sanitizers: " + build.sanitize));
}

RecordFacts facts_of(const Cores& cores, const std::string& profile, std::uint64_t seed,
                     const std::vector<std::string>& left_out) {
  const auto core = [](const std::optional<int>& number) { return number ? std::to_string(*number) : "any"; };
  return {.profile = profile,
          .seed = seed,
          .left_out = left_out,
          .cores = {{"server", core(cores.server)}, {"generator", core(cores.generator)}}};
}

// A file's name for samples: a foreign server's name is a command and may hold anything.
std::string file_name_for(const Run& run) {
  std::string cost;
  if (run.cost.wait_us > 0) cost += fmt::format("-wait{}", run.cost.wait_us);
  if (run.cost.work_us > 0) cost += fmt::format("-work{}", run.cost.work_us);
  if (run.cost.on_all_cores) cost += "-all-cores";
  if (run.capacity_percent) cost += fmt::format("-at{}", *run.capacity_percent);
  std::string name = fmt::format("{}-c{}{}-r{}", run.server, run.connections, cost, run.repetition);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '.'; },
      '_');
  return name;
}

}  // namespace harness
