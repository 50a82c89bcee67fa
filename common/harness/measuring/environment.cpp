#include "common/harness/measuring/environment.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <stdexcept>

#include "common/harness/records/json.h"
#include "common/net/system_error.h"

namespace harness {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) ? line : "unknown";
}

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string kernel() {
  utsname name{};
  if (uname(&name) < 0) throw net::SystemError("uname");
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

std::string limit(__rlimit_resource resource) {
  rlimit value{};
  if (getrlimit(resource, &value) < 0) throw net::SystemError("getrlimit");
  const auto text = [](rlim_t n) {
    return n == RLIM_INFINITY ? std::string("unlimited") : fmt::format("{}", n);
  };
  return fmt::format("{} of {}", text(value.rlim_cur), text(value.rlim_max));
}

}  // namespace

Build read_build(const std::string& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto fields = parse_flat_json(text);
  if (!fields) throw std::runtime_error(fmt::format("{}: missing or not JSON; 'make build' writes it", path));
  const auto field = [&fields](const std::string& key) {
    const auto found = fields->find(key);
    return found == fields->end() ? std::string("unknown") : found->second;
  };
  return {.compiler = field("compiler"),
          .flags = field("flags"),
          .sanitize = field("sanitize"),
          .commit = field("commit"),
          .source = field("source"),
          .measurable = field("measurable") == "true"};
}

std::string environment_json(const Build& build, const RecordFacts& facts) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  JsonObject json;
  json.text("time",
            fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now))));
  json.text("kernel", kernel());
  json.text("cpu", cpu_model());
  json.number("cores", sysconf(_SC_NPROCESSORS_ONLN));
  json.text("clock_source", first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource"));
  json.text("load_average", first_line("/proc/loadavg"));
  json.text("congestion_control", first_line("/proc/sys/net/ipv4/tcp_congestion_control"));
  json.text("limit_descriptors", limit(RLIMIT_NOFILE));
  json.text("limit_processes", limit(RLIMIT_NPROC));
  json.text("limit_stack", limit(RLIMIT_STACK));
  for (const std::string name :
       {"net/ipv4/tcp_rmem", "net/ipv4/tcp_wmem", "net/ipv4/ip_local_port_range",
        "net/ipv4/tcp_max_syn_backlog", "net/core/somaxconn", "kernel/pid_max", "vm/max_map_count"}) {
    json.text(name, first_line("/proc/sys/" + name));
  }
  json.text("compiler", build.compiler);
  json.text("flags", build.flags);
  json.text("commit", build.commit);
  json.text("profile", facts.profile);
  json.number("seed", static_cast<std::int64_t>(facts.seed));
  for (const auto& [who, core] : facts.cores) json.text(who + "_core", core);
  json.texts("left_out", facts.left_out);
  return json.dump();
}

std::uint64_t raise_descriptor_limit() {
  rlimit value{};
  if (getrlimit(RLIMIT_NOFILE, &value) < 0) throw net::SystemError("getrlimit RLIMIT_NOFILE");
  value.rlim_cur = value.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &value) < 0) throw net::SystemError("setrlimit RLIMIT_NOFILE");
  return value.rlim_cur;
}

std::vector<int> usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) < 0) throw net::SystemError("sched_getaffinity");
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

namespace {

bool allow(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(static_cast<std::size_t>(core), &set);
  return sched_setaffinity(0, sizeof(set), &set) == 0;
}

}  // namespace

void pin_to_core(int core) {
  const std::string which = fmt::format("core {}", core);
  if (!allow({core})) throw net::SystemError("sched_setaffinity", which);
}

OnCores::OnCores(const std::vector<int>& cores) : before_(usable_cores()) {
  if (!allow(cores)) throw net::SystemError("sched_setaffinity");
}

OnCores::~OnCores() { allow(before_); }

}  // namespace harness
