#include "labs/05-thread-per-connection/thread_memory.h"

#include "common/kernel/numbers.h"

ThreadMemory ThreadMemory::for_each_of(std::int64_t threads, const ThreadMemory& earlier) const {
  const auto each = [threads](double now, double then) {
    return (now - then) / static_cast<double>(threads);
  };
  return {.virtual_kib = each(virtual_kib, earlier.virtual_kib),
          .resident_kib = each(resident_kib, earlier.resident_kib),
          .page_tables_kib = each(page_tables_kib, earlier.page_tables_kib),
          .kernel_stack_kib = each(kernel_stack_kib, earlier.kernel_stack_kib),
          .slab_kib = each(slab_kib, earlier.slab_kib)};
}

ThreadMemory thread_memory() {
  const auto kib = [](const char* key, const char* path) {
    return static_cast<double>(kernel::number_behind(key, path).value_or(0));
  };
  return {.virtual_kib = kib("VmSize:", "/proc/self/status"),
          // VmRSS of status is rounded for speed, by up to some hundred KiB on a machine with many cores.
          .resident_kib = kib("Rss:", "/proc/self/smaps_rollup"),
          .page_tables_kib = kib("VmPTE:", "/proc/self/status"),
          .kernel_stack_kib = kib("KernelStack:", "/proc/meminfo"),
          .slab_kib = kib("SUnreclaim:", "/proc/meminfo")};
}
