// Where the memory of connections goes, and how much there is left.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace million {

/// The kernel's memory at one moment, in bytes. Source: proc(5), /proc/meminfo.
struct Memory {
  std::int64_t available = 0;      // what programs could still get without swapping
  std::int64_t unreclaimable = 0;  // slab: the kernel's own small objects, among them sockets
  std::int64_t reclaimable =
      0;  // slab: what the kernel calls a cache, among it the file side of every socket

  static Memory now();
};

/// What the control group allows this program to take yet; nothing if it sets no limit. Pages of files that
/// were not used lately count as used there, but give way. Source: the kernel's admin-guide/cgroup-v2.
std::optional<std::int64_t> left_in_control_group();

/// The memory that can still be had, `before` being how it was before the first connection. The kernel counts
/// reclaimable slab as available. But what the connections have added to it lives as long as they do.
std::int64_t available_memory(const Memory& before);

/// The memory of a process itself. Pages that several share count in parts (PSS), so that sums are right. 0
/// if the kernel doesn't say.
std::int64_t proportional_memory(const std::string& process);

}  // namespace million
