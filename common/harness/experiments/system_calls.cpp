#include "common/harness/experiments/system_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <sstream>
#include <thread>

#include "common/harness/load/load_generator.h"
#include "common/harness/processes/memory_file.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/strace.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

struct Count {
  std::map<std::string, std::int64_t> calls;
  std::uint64_t requests = 0;
};

// Ends the server by a signal. strace writes its table when all that it traces has gone, and then ends as
// well.
void end_with_tracer(ServerProcess& server) {
  server.send_signal(SIGTERM);
  const auto deadline = Clock::now() + 5s;
  if (!server.wait_for_end(5s)) throw NotCounted("it doesn't end at SIGTERM");
  while (count_living(server.pid()) > 0) {
    if (Clock::now() > deadline) throw NotCounted("a process that it started doesn't end at SIGTERM");
    std::this_thread::sleep_for(2ms);
  }
}

// Opens the plan's connections, which send a request each, and lets them speak for `duration`.
Count count_calls(const Run& plan, Target target, std::chrono::nanoseconds duration,
                  const Conditions& conditions) {
  const MemoryFile table("strace");
  target.command = under_strace(target.command, table, "-c");
  RunningTarget server(target, conditions.interruption, {.core = conditions.cores.server});
  LoadGenerator generator({.server = server.address(),
                           .connections = plan.connections,
                           .active = plan.active,
                           .message_bytes = plan.message_bytes},
                          conditions.interruption);
  generator.open();
  Count count;
  if (duration > 0ns) count.requests = generator.speak(duration).replies;
  if (generator.failures().all() > 0) throw NotCounted("connections failed while strace counted");
  generator.abort();
  end_with_tracer(*server.process());
  count.calls = parse_strace_summary(table.contents());
  if (count.calls.empty()) throw NotCounted("strace counted nothing");
  return count;
}

std::map<std::string, double> calls_per_request(const Run& plan, const Target& target,
                                                const Conditions& conditions) {
  if (target.running_at) throw NotCounted("its process isn't ours to look into");
  require_strace();
  try {
    const Count opened = count_calls(plan, target, 0ns, conditions);
    const Count spoken = count_calls(plan, target, 2 * conditions.scale.duration, conditions);
    if (spoken.requests == 0) throw NotCounted("no request was answered while strace counted");
    std::map<std::string, double> calls;
    for (const auto& [name, total] : spoken.calls) {
      const auto before = opened.calls.find(name);
      const std::int64_t made = total - (before == opened.calls.end() ? 0 : before->second);
      const double each = static_cast<double>(made) / static_cast<double>(spoken.requests);
      if (each >= 0.001) calls[name] = each;  // less is chance, at some thousand requests
    }
    return calls;
  } catch (const ServerError& error) {
    throw NotCounted(error.what());
  }
}

// "sendto 1.00, recvfrom 1.00": the most frequent first.
std::string in_words(const std::map<std::string, double>& calls) {
  std::vector<std::pair<std::string, double>> ordered(calls.begin(), calls.end());
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string words;
  for (const auto& [name, each] : ordered)
    words += fmt::format("{}{} {:.2f}", words.empty() ? "" : ", ", name, each);
  return words;
}

std::string switches_in_words(const Run& run) {
  if (!run.server_voluntary_switches || run.requests.value_or(0) == 0) return "switches not measured";
  const auto switches = *run.server_voluntary_switches + *run.server_involuntary_switches;
  return fmt::format("{:.2f} context switches a request",
                     static_cast<double>(switches) / static_cast<double>(*run.requests));
}

}  // namespace

std::map<std::string, std::int64_t> parse_strace_summary(const std::string& table) {
  std::map<std::string, std::int64_t> calls;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    // "% time  seconds  usecs/call  calls  errors  syscall", where errors may be blank.
    std::istringstream words(line);
    double share = 0;
    double seconds = 0;
    std::int64_t each = 0;
    std::int64_t count = 0;
    std::string name;
    if (!(words >> share >> seconds >> each >> count)) continue;
    while (words >> name) {
    }
    if (!name.empty() && name != "total") calls[name] += count;
  }
  return calls;
}

Outcome conduct_system_calls(const Run& plan, const Subject& subject, const Conditions& conditions) {
  Outcome outcome;
  outcome.run = measure(*subject.server,
                        {.connections = plan.connections,
                         .active = plan.active,
                         .message_bytes = plan.message_bytes,
                         .warm_up = conditions.scale.warm_up,
                         .duration = conditions.scale.duration},
                        conditions.cores, conditions.interruption)
                    .run;
  const std::string who =
      fmt::format("{}, {} connections: {}", subject.name, plan.connections, switches_in_words(outcome.run));
  try {
    const auto calls = calls_per_request(plan, *subject.server, conditions);
    double sum = 0;
    outcome.events = "call,per_request\n";
    for (const auto& [name, each] : calls) {
      sum += each;
      outcome.events += fmt::format("{},{:.4f}\n", name, each);
    }
    outcome.run.server_system_calls_per_request = sum;
    outcome.note = fmt::format("{}, {:.2f} system calls: {}", who, sum, in_words(calls));
  } catch (const NotCounted& reason) {
    outcome.note = fmt::format("{}; system calls not counted: {}", who, reason.what());
  }
  return outcome;
}

}  // namespace harness
