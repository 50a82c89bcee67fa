// Where the memory of connections goes, and how much there is left.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

#include "common/kernel/numbers.h"

namespace million {

/// The kernel's memory at one moment, in bytes. Source: proc(5), /proc/meminfo.
struct Memory {
  std::int64_t available = 0;      // what programs could still get without swapping
  std::int64_t unreclaimable = 0;  // slab: the kernel's own small objects, among them sockets
  std::int64_t reclaimable =
      0;  // slab: what the kernel calls a cache, among it the file side of every socket

  static Memory now() {
    const auto bytes = [](const std::string& name) {
      const std::optional<std::int64_t> kilobytes = kernel::number_behind(name, "/proc/meminfo");
      if (!kilobytes) throw std::runtime_error("/proc/meminfo doesn't tell " + name);
      return *kilobytes * 1024;
    };
    return {bytes("MemAvailable:"), bytes("SUnreclaim:"), bytes("SReclaimable:")};
  }
};

/// What the control group allows this program to take yet; nothing if it sets no limit. Pages of files that
/// were not used lately count as used there, but give way. Source: the kernel's admin-guide/cgroup-v2.
inline std::optional<std::int64_t> left_in_control_group() {
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

/// The memory that can still be had, `before` being how it was before the first connection. The kernel counts
/// reclaimable slab as available. But what the connections have added to it lives as long as they do.
inline std::int64_t available_memory(const Memory& before) {
  const Memory now = Memory::now();
  const std::int64_t available =
      now.available - std::max<std::int64_t>(0, now.reclaimable - before.reclaimable);
  return std::min(available, left_in_control_group().value_or(available));
}

/// The memory of a process itself. Pages that several share count in parts (PSS), so that sums are right. 0
/// if the kernel doesn't say.
inline std::int64_t proportional_memory(const std::string& process) {
  return kernel::number_behind("Pss:", "/proc/" + process + "/smaps_rollup").value_or(0) * 1024;
}

}  // namespace million
