#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace harness {

/// The process and all its descendants that live now, zombies included.
std::vector<pid_t> process_tree(pid_t root);

/// All descendants of the calling process that live; zombies don't count. With PR_SET_CHILD_SUBREAPER they
/// are also those that have gone into the background.
std::vector<pid_t> living_descendants();

/// What lives of all that the process `leader` has started: itself, its process group, the processes that
/// have `mark` ("NAME=VALUE") in the environment that they were started with, and the descendants of all
/// these. Zombies don't count, nor does the caller.
std::vector<pid_t> living_members(pid_t leader, const std::string& mark);

/// Reaps the zombies that the calling process has become the parent of (PR_SET_CHILD_SUBREAPER), as far as
/// they are of the leader's group, or of another session: the caller's own children are of its own session.
/// Not the leader.
void reap_adopted_zombies(pid_t leader);

/// The state of a process as proc_pid_stat(5) has it, such as 'S', 'T' or 'Z'; ' ' if there is none.
char state_of(pid_t pid);

/// True if every thread of the process tree sleeps until something happens; also if there is none left.
bool rests(pid_t root);

/// The numbers of the descriptors that a process holds open; none if it has ended.
std::set<int> open_descriptors(pid_t pid);

/// How many descendants of `root` are zombies: ended, and not yet waited for by their parent.
int count_zombies(pid_t root);

/// How many processes of a process group live. Zombies don't count: an orphan that has ended stays one until
/// the init process asks for its exit status, which is nobody's fault here.
int count_living(pid_t group);

/// What a process tree has used since its start.
struct CpuUsage {
  std::chrono::nanoseconds cpu{0};      ///< user and system, all threads, live processes and reaped children
  std::int64_t voluntary_switches = 0;  ///< threads that live now; a thread that ended takes its count along
  std::int64_t involuntary_switches = 0;  ///< likewise
};
CpuUsage cpu_usage(pid_t root);

/// The CPU time alone: one clock a process, cheap even with thousands of threads.
std::chrono::nanoseconds cpu_time(pid_t root);

/// The memory of a process tree at this moment, in bytes, summed over its processes. Sources: proc(5), and
/// Documentation/filesystems/proc.rst of the kernel for smaps_rollup.
struct MemoryUsage {
  std::int64_t virtual_bytes = 0;       ///< address space, touched or not (VmSize)
  std::int64_t resident_bytes = 0;      ///< pages in memory; shared pages count in each process (VmRSS)
  std::int64_t proportional_bytes = 0;  ///< a page shared by n processes counts 1/n in each (Pss)
  std::int64_t page_table_bytes = 0;    ///< VmPTE
  std::int64_t kernel_stack_bytes = 0;  ///< threads × the kernel's mean stack for a thread
  std::int64_t threads = 0;
};
MemoryUsage memory_usage(pid_t root);

/// Kernel memory of the whole machine that holds small objects and can't be reclaimed, sockets among them
/// (SUnreclaim of /proc/meminfo). The growth between two calls is both ends of all connections opened
/// meanwhile.
std::int64_t unreclaimable_slab_bytes();

/// How long the calling thread has computed, and waited for a core although it could have run
/// (/proc/thread-self/schedstat; Documentation/scheduler/sched-stats.rst).
struct OwnUsage {
  std::chrono::nanoseconds cpu{0};
  std::chrono::nanoseconds run_delay{0};
};
OwnUsage own_usage();

/// Time that a hypervisor has given to others while this machine could have run, all cores (`steal` of
/// /proc/stat).
std::chrono::nanoseconds stolen_time();

}  // namespace harness
