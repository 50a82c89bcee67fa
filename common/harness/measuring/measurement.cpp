#include "common/harness/measuring/measurement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "common/harness/measuring/environment.h"
#include "common/harness/measuring/percentile.h"
#include "common/harness/measuring/socket_memory.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr double starved = 0.10;         // of the span, waiting for a core although it could have run
constexpr double generator_busy = 0.95;  // of its core: it could not have sent more…
constexpr double server_idle = 0.90;     // …while the server could have served more
constexpr double disturbed = 0.02;       // of all cores' time, stolen by the hypervisor
constexpr int attempts = 3;

double share(std::chrono::nanoseconds part, std::chrono::nanoseconds whole) {
  return whole.count() > 0 ? static_cast<double>(part.count()) / static_cast<double>(whole.count()) : 0;
}

void fill_in_latency(Run& run, std::span<const std::uint32_t> latency_ns) {
  if (latency_ns.empty()) return;
  std::vector<std::uint32_t> sorted(latency_ns.begin(), latency_ns.end());
  std::sort(sorted.begin(), sorted.end());
  const auto microseconds = [&sorted](double percent) { return percentile(sorted, percent) / 1000.0; };
  run.p50_us = microseconds(50);
  run.p90_us = microseconds(90);
  run.p99_us = microseconds(99);
  run.p999_us = microseconds(99.9);
  run.max_us = microseconds(100);
}

// All that is read before and after a span of speaking.
struct Snapshot {
  Clock::time_point time = Clock::now();
  OwnUsage generator = own_usage();
  std::chrono::nanoseconds steal = stolen_time();
  CpuUsage server;

  explicit Snapshot(ServerProcess* process) {
    if (process != nullptr) server = cpu_usage(process->pid());
    time = Clock::now();  // reading the counts of a thousand threads takes a while
    generator = own_usage();
  }
};

void fill_in_span(Run& run, const Snapshot& before, const Snapshot& after, bool has_process, bool shared_core,
                  const LoadResult& result) {
  const auto span = result.elapsed;
  const auto cores = std::max(1U, std::thread::hardware_concurrency());
  Suspicion suspicion{
      .shared_core = shared_core,
      .on_all_cores = run.cost.on_all_cores,
      .generator_cpu_share = share(after.generator.cpu - before.generator.cpu, span),
      .generator_run_delay_share = share(after.generator.run_delay - before.generator.run_delay, span),
      .server_cpu_share = std::nullopt,
      .steal_share = share(after.steal - before.steal, (after.time - before.time) * cores)};
  if (has_process) {
    const auto cpu = after.server.cpu - before.server.cpu;
    suspicion.server_cpu_share = share(cpu, span);
    run.server_cpu_share = suspicion.server_cpu_share;
    if (result.replies > 0) {
      run.server_cpu_us_per_request =
          std::chrono::duration<double, std::micro>(cpu).count() / static_cast<double>(result.replies);
    }
    run.server_voluntary_switches = after.server.voluntary_switches - before.server.voluntary_switches;
    run.server_involuntary_switches = after.server.involuntary_switches - before.server.involuntary_switches;
  }
  run.generator_cpu_share = suspicion.generator_cpu_share;
  run.generator_run_delay_share = suspicion.generator_run_delay_share;
  run.steal_share = suspicion.steal_share;
  run.invalid_reason = why_invalid(suspicion);
}

// The kernel frees the sockets of an earlier run a while after they are closed (RCU grace periods): waits
// until the slab has stopped shrinking, so that this is not taken for the next run's doing.
void wait_for_quiet_slab() {
  constexpr std::int64_t quiet = 64 * 1024;
  const auto deadline = Clock::now() + 1s;
  for (auto last = unreclaimable_slab_bytes(); Clock::now() < deadline;) {
    std::this_thread::sleep_for(50ms);
    const auto now = unreclaimable_slab_bytes();
    if (std::abs(now - last) < quiet) return;
    last = now;
  }
}

// The target with the options that make each request cost that.
Target with_cost(Target target, const RequestCost& cost) {
  for (const auto& [option, microseconds] :
       {std::pair("--work-us", cost.work_us), std::pair("--wait-us", cost.wait_us)}) {
    if (microseconds == 0) continue;
    target.command.emplace_back(option);
    target.command.push_back(std::to_string(microseconds));
  }
  return target;
}

Measured measure_once(const Target& target, const LoadPoint& point, const Cores& cores,
                      const Interruption& interruption) {
  std::optional<OnCores> on_all_cores;  // this thread, and the server that it starts
  if (point.cost.on_all_cores) on_all_cores.emplace(cores.usable);
  RunningTarget server(with_cost(target, point.cost), interruption,
                       {.core = on_all_cores ? std::nullopt : cores.server});
  Measured measured;
  Run& run = measured.run;
  run.server = target.name;
  run.connections = point.connections;
  run.active = point.active;
  run.message_bytes = point.message_bytes;
  run.cost = point.cost;
  run.duration_s = std::chrono::duration<double>(point.duration).count();

  if (point.duration == 0ns) wait_for_quiet_slab();
  const auto slab_before = unreclaimable_slab_bytes();
  LoadGenerator generator({.server = server.address(),
                           .connections = point.connections,
                           .active = point.active,
                           .message_bytes = point.message_bytes},
                          interruption);
  generator.open();
  if (point.duration > 0ns) {
    generator.speak(point.warm_up);
    const Snapshot before(server.process());
    LoadResult result = generator.speak(point.duration);
    // The span ends here; reading the server's counts is not part of it.
    const OwnUsage generator_after = own_usage();
    Snapshot after(server.process());
    after.generator = generator_after;
    run.speaking = result.speaking;
    run.requests = result.latency_ns.size();
    run.requests_per_s =
        static_cast<double>(result.replies_in_span) / std::chrono::duration<double>(result.span).count();
    fill_in_latency(run, result.latency_ns);
    fill_in_span(run, before, after, server.process() != nullptr, cores.shared, result);
    measured.latency_ns = std::move(result.latency_ns);
  }
  run.errors = generator.failures().errors;
  run.timeouts = generator.failures().timeouts;
  run.refused = generator.failures().refused;
  run.corrupt = generator.failures().corrupt;
  const bool nobody_left = generator.living() == 0;
  invalidate_what_lost_clients(run);
  if (ServerProcess* process = server.process(); process != nullptr) {
    // A process that ends closes its sockets a moment before it can be waited for.
    if (process->wait_for_end(nobody_left ? 1s : 0s)) {
      throw ServerError(fmt::format("server '{}' ended during the load ({}): {}", target.name,
                                    *process->wait_for_end(0ms), process->last_words()));
    }
    run.memory = memory_usage(process->pid());
    try {
      run.socket_bytes = socket_memory_of_port(server.address().port()).bytes;
    } catch (const net::SystemError&) {
      // No socket diagnostics here (a sandbox, a kernel without them): an empty cell says "not measured", 0
      // would lie.
    }
    run.slab_both_ends_bytes = unreclaimable_slab_bytes() - slab_before;
  }
  generator.abort();
  return measured;
}

}  // namespace

Cores Cores::choose() {
  const std::vector<int> usable = usable_cores();
  return {
      .server = usable.front(), .generator = usable.back(), .shared = usable.size() < 2, .usable = usable};
}

std::string why_invalid(const Suspicion& suspicion) {
  if (suspicion.shared_core) return "server and generator share the only core";
  if (suspicion.steal_share > disturbed) {
    return fmt::format("the hypervisor took {:.0f} % of the time", suspicion.steal_share * 100);
  }
  if (suspicion.generator_run_delay_share > starved && !suspicion.on_all_cores) {
    return fmt::format("the generator was starved: it waited for a core {:.0f} % of the time",
                       suspicion.generator_run_delay_share * 100);
  }
  if (suspicion.generator_cpu_share > generator_busy &&
      suspicion.server_cpu_share.value_or(0) < server_idle) {
    return "the generator was the bottleneck";
  }
  return "";
}

void invalidate_what_lost_clients(Run& run) {
  if (run.lost() > 0) {
    run.invalid_reason = fmt::format("{} of {} clients were lost or got wrong bytes: {}", run.lost(),
                                     run.connections, losses_of(run));
  } else if (run.requests == 0U) {
    run.invalid_reason = "no request was answered";
  }
}

Measured measure(const Target& target, const LoadPoint& point, const Cores& cores,
                 const Interruption& interruption) {
  for (int attempt = 1;; ++attempt) {
    Measured measured = measure_once(target, point, cores, interruption);
    const bool again = measured.run.steal_share.value_or(0) > disturbed;
    if (!again || attempt == attempts) return measured;
  }
}

bool may_be_valid_next_time(const Run& run, const Cores& cores) {
  return !run.invalid_reason.empty() && !cores.shared && run.lost() == 0 && run.requests.value_or(0) > 0;
}

}  // namespace harness
