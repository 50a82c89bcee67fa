#include "labs/14-million-connections/memory.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "common/kernel/numbers.h"

namespace million {

std::optional<std::int64_t> left_in_control_group() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with("0::")) continue;
    const std::string folder = "/sys/fs/cgroup" + line.substr(3) + "/";
    const std::optional<std::int64_t> most = kernel::number_in(folder + "memory.max");
    const std::optional<std::int64_t> used = kernel::number_in(folder + "memory.current");
    if (most && used)
      return *most - *used + kernel::number_behind("inactive_file", folder + "memory.stat").value_or(0);
  }
  return std::nullopt;
}

std::int64_t available_memory(const Memory& before) {
  const Memory now = Memory::now();
  const std::int64_t available =
      now.available - std::max<std::int64_t>(0, now.reclaimable - before.reclaimable);
  return std::min(available, left_in_control_group().value_or(available));
}

std::int64_t proportional_memory(const std::string& process) {
  return kernel::number_behind("Pss:", "/proc/" + process + "/smaps_rollup").value_or(0) * 1024;
}

Memory Memory::now() {
  const auto bytes = [](const std::string& name) {
    const std::optional<std::int64_t> kilobytes = kernel::number_behind(name, "/proc/meminfo");
    if (!kilobytes) throw std::runtime_error("/proc/meminfo doesn't tell " + name);
    return *kilobytes * 1024;
  };
  return {bytes("MemAvailable:"), bytes("SUnreclaim:"), bytes("SReclaimable:")};
}

}  // namespace million
