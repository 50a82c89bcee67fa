#include "common/harness/processes/process_usage.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "common/kernel/numbers.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

std::chrono::nanoseconds ticks(std::int64_t count) {
  return std::chrono::nanoseconds(count * (1'000'000'000 / sysconf(_SC_CLK_TCK)));
}

struct Stat {
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  char state = ' ';
  std::int64_t reaped_children_ticks = 0;
};

// /proc/PID/stat. The program's name stands in parentheses and may itself hold any character, so the fields
// are counted from the last parenthesis. A process that ended meanwhile leaves the defaults: getline takes a
// failed read for the end, where an istreambuf_iterator would throw.
Stat read_stat(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line, '\0');
  Stat stat;
  const auto after_name = line.rfind(')');
  if (after_name == std::string::npos) return stat;
  std::istringstream fields(line.substr(after_name + 1));
  fields >> stat.state >> stat.parent >> stat.group >> stat.session;
  std::string skipped;
  for (int field = 7; field <= 15; ++field) fields >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  stat.reaped_children_ticks = user + system;
  return stat;
}

std::map<pid_t, Stat> all_processes() {
  std::map<pid_t, Stat> processes;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size()) processes[pid] = read_stat(pid);
  }
  return processes;
}

std::vector<pid_t> descendants(pid_t root, const std::map<pid_t, Stat>& processes) {
  std::multimap<pid_t, pid_t> children;
  for (const auto& [pid, stat] : processes) children.emplace(stat.parent, pid);
  std::vector<pid_t> found{root};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto [begin, end] = children.equal_range(found[i]);
    for (auto child = begin; child != end; ++child) found.push_back(child->second);
  }
  return found;
}

bool lives(const Stat& stat) { return stat.state != 'Z' && stat.state != 'X' && stat.state != ' '; }

// The environment that a process was started with: strings with a zero behind each. Empty for a zombie, and
// for one of another user.
bool was_started_with(pid_t pid, const std::string& variable) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ");
  for (std::string entry; std::getline(file, entry, '\0');) {
    if (entry == variable) return true;
  }
  return false;
}

// Of a file of lines like "VmRSS:   1234 kB"; 0 if the process has ended.
std::int64_t value_of(const std::string& path, const std::string& key) {
  return kernel::number_behind(key + ":", path).value_or(0);
}

std::chrono::nanoseconds cpu_clock(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// What all threads of the machine hold together, divided by their number.
std::int64_t kernel_stack_of_a_thread() {
  constexpr std::int64_t page =
      4096;  // stacks are whole pages, and a few threads come and go between the two reads
  const std::int64_t threads = std::max<std::int64_t>(1, kernel::threads_of_the_machine());
  return (value_of("/proc/meminfo", "KernelStack") * 1024 / threads + page / 2) / page * page;
}

}  // namespace

std::vector<pid_t> living_descendants() {
  const auto processes = all_processes();
  std::vector<pid_t> living;
  for (const pid_t pid : descendants(getpid(), processes)) {
    const auto found = processes.find(pid);
    if (pid != getpid() && found != processes.end() && found->second.state != 'Z' &&
        found->second.state != 'X')
      living.push_back(pid);
  }
  return living;
}

std::vector<pid_t> living_members(pid_t leader, const std::string& mark) {
  const auto processes = all_processes();
  std::set<pid_t> members;
  for (const auto& [pid, stat] : processes) {
    if (members.contains(pid) || !lives(stat)) continue;
    if (pid != leader && stat.group != leader && !was_started_with(pid, mark)) continue;
    for (const pid_t descendant : descendants(pid, processes)) {
      const auto found = processes.find(descendant);
      if (found != processes.end() && lives(found->second)) members.insert(descendant);
    }
  }
  members.erase(getpid());
  return {members.begin(), members.end()};
}

void reap_adopted_zombies(pid_t leader) {
  const pid_t session = getsid(0);
  for (const auto& [pid, stat] : all_processes()) {
    if (stat.parent != getpid() || stat.state != 'Z' || pid == leader) continue;
    if (stat.group == leader || stat.session != session) waitpid(pid, nullptr, WNOHANG);
  }
}

std::vector<pid_t> process_tree(pid_t root) { return descendants(root, all_processes()); }

char state_of(pid_t pid) { return read_stat(pid).state; }

bool rests(pid_t root) {
  for (const pid_t pid : process_tree(root)) {
    std::error_code gone;
    for (fs::directory_iterator task("/proc/" + std::to_string(pid) + "/task", gone), end;
         !gone && task != end; task.increment(gone)) {
      // A thread has a directory of its own there, though none that is listed (proc(5)).
      const char state = state_of(std::stoi(task->path().filename()));
      if (std::string_view("SZX ").find(state) == std::string_view::npos) return false;
    }
  }
  return true;
}

std::set<int> open_descriptors(pid_t pid) {
  std::set<int> numbers;
  std::error_code gone;
  for (auto entry = fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone);
       !gone && entry != fs::directory_iterator(); entry.increment(gone)) {
    numbers.insert(std::stoi(entry->path().filename()));
  }
  return numbers;
}

int count_zombies(pid_t root) {
  const auto processes = all_processes();
  int zombies = 0;
  for (const pid_t pid : descendants(root, processes)) {
    if (pid == root) continue;
    zombies += processes.at(pid).state == 'Z' ? 1 : 0;
  }
  return zombies;
}

int count_living(pid_t group) {
  int living = 0;
  for (const auto& [pid, stat] : all_processes()) {
    living += stat.group == group && stat.state != 'Z' && stat.state != 'X' ? 1 : 0;
  }
  return living;
}

std::chrono::nanoseconds cpu_time(pid_t root) {
  std::chrono::nanoseconds total{0};
  for (const pid_t pid : process_tree(root))
    total += cpu_clock(pid) + ticks(read_stat(pid).reaped_children_ticks);
  return total;
}

CpuUsage cpu_usage(pid_t root) {
  CpuUsage usage;
  for (const pid_t pid : process_tree(root)) {
    usage.cpu += cpu_clock(pid) + ticks(read_stat(pid).reaped_children_ticks);
    std::error_code gone;
    // Not a range-for, which throws when the process ends in the middle of it.
    for (fs::directory_iterator task("/proc/" + std::to_string(pid) + "/task", gone), end;
         !gone && task != end; task.increment(gone)) {
      const std::string status = task->path() / "status";
      usage.voluntary_switches += value_of(status, "voluntary_ctxt_switches");
      usage.involuntary_switches += value_of(status, "nonvoluntary_ctxt_switches");
    }
  }
  return usage;
}

MemoryUsage memory_usage(pid_t root) {
  MemoryUsage usage;
  for (const pid_t pid : process_tree(root)) {
    const std::string folder = "/proc/" + std::to_string(pid);
    usage.virtual_bytes += value_of(folder + "/status", "VmSize") * 1024;
    usage.resident_bytes += value_of(folder + "/status", "VmRSS") * 1024;
    usage.page_table_bytes += value_of(folder + "/status", "VmPTE") * 1024;
    usage.threads += value_of(folder + "/status", "Threads");
    usage.proportional_bytes += value_of(folder + "/smaps_rollup", "Pss") * 1024;
  }
  usage.kernel_stack_bytes = usage.threads * kernel_stack_of_a_thread();
  return usage;
}

std::int64_t unreclaimable_slab_bytes() { return value_of("/proc/meminfo", "SUnreclaim") * 1024; }

OwnUsage own_usage() {
  std::ifstream file("/proc/thread-self/schedstat");
  std::int64_t cpu = 0;
  std::int64_t delay = 0;
  file >> cpu >> delay;
  timespec time{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) < 0) throw net::SystemError("clock_gettime");
  return {.cpu = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec),
          .run_delay = std::chrono::nanoseconds(delay)};
}

std::chrono::nanoseconds stolen_time() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  std::int64_t field = 0;
  file >> cpu;
  for (int i = 0; i < 8; ++i) file >> field;  // user nice system idle iowait irq softirq steal
  return ticks(field);
}

}  // namespace harness
