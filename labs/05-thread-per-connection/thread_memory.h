#pragma once

#include <cstdint>

/// The kinds of memory that a thread takes, in KiB. The first three are this process's own; the last two are
/// the whole machine's, so whatever else runs disturbs them. Sources: proc(5), and
/// Documentation/filesystems/proc.rst of the kernel.
struct ThreadMemory {
  double virtual_kib = 0;       ///< addresses, touched or not
  double resident_kib = 0;      ///< pages that have memory: what was touched of the stacks, and the heap
  double page_tables_kib = 0;   ///< the kernel's notes of which address has which page
  double kernel_stack_kib = 0;  ///< the second stack of each thread, for when it is in the kernel
  double slab_kib = 0;          ///< the kernel's objects that can't be given back: a thread, a mapping, …

  /// All but the addresses.
  double together_kib() const { return resident_kib + page_tables_kib + kernel_stack_kib + slab_kib; }

  /// What has come since `earlier`, for each of `threads`.
  ThreadMemory for_each_of(std::int64_t threads, const ThreadMemory& earlier) const;
};

/// At this moment. What the kernel doesn't tell counts as 0.
ThreadMemory thread_memory();
