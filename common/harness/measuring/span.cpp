#include "common/harness/measuring/span.h"

#include <algorithm>
#include <thread>

#include "common/harness/measuring/foreign_load.h"

namespace harness {

double share(std::chrono::nanoseconds part, std::chrono::nanoseconds whole) {
  return whole.count() > 0 ? static_cast<double>(part.count()) / static_cast<double>(whole.count()) : 0;
}

Snapshot::Snapshot(ServerProcess* process, const std::vector<int>& servers_cores) {
  if (process != nullptr) server = cpu_usage(process->pid());
  time = std::chrono::steady_clock::now();  // reading the counts of a thousand threads takes a while
  generator = own_usage();
  busy = busy_time(servers_cores);
  clocks = read_clocks();
}

Circumstances Circumstances::of(RunningTarget& server, const Cores& cores, const RequestCost& cost,
                                std::chrono::nanoseconds length) {
  Circumstances circumstances{.has_process = server.process() != nullptr,
                              .shared_core = cores.shared,
                              .servers_cores = {},
                              .generator_on_them = cost.on_all_cores || cores.shared,
                              .length = length};
  if (circumstances.has_process && cost.on_all_cores) {
    circumstances.servers_cores = cores.usable;
  } else if (circumstances.has_process && cores.server) {
    circumstances.servers_cores = {*cores.server};
  }
  return circumstances;
}

namespace {

// What others took of the server's cores: all that isn't the server's own, and isn't the generator's where it
// is on them too.
double foreign_share_of(const Snapshot& before, const Snapshot& after, const Circumstances& circumstances) {
  auto own = after.server.cpu - before.server.cpu;
  if (circumstances.generator_on_them) own += after.generator.cpu - before.generator.cpu;
  return foreign_share(after.busy - before.busy, own, after.clocks.monotonic - before.clocks.monotonic,
                       circumstances.servers_cores.size());
}

}  // namespace

void fill_in_span(Run& run, const Snapshot& before, const Snapshot& after, const Circumstances& circumstances,
                  const SpanResult& result, const std::optional<OpenLoopSuspicion>& open_loop) {
  run.speaking = result.speaking;
  run.requests_per_s =
      static_cast<double>(result.replies_in_span) / std::chrono::duration<double>(result.span).count();
  const auto span = result.elapsed;
  const auto cores = std::max(1U, std::thread::hardware_concurrency());
  Suspicion suspicion{
      .shared_core = circumstances.shared_core,
      .on_all_cores = run.cost.on_all_cores,
      .generator_cpu_share = share(after.generator.cpu - before.generator.cpu, span),
      .generator_run_delay_share = share(after.generator.run_delay - before.generator.run_delay, span),
      .server_cpu_share = std::nullopt,
      .steal_share = share(after.steal - before.steal, (after.time - before.time) * cores),
      .foreign_share = foreign_share_of(before, after, circumstances),
      .clock_drift = clock_drift(before.clocks, after.clocks),
      .suspended = suspended(before.clocks, after.clocks),
      .length_ratio = share(result.length, circumstances.length),
      .open_loop = open_loop};
  if (circumstances.has_process) {
    const auto cpu = after.server.cpu - before.server.cpu;
    suspicion.server_cpu_share = share(cpu, span);
    run.server_cpu_share = suspicion.server_cpu_share;
    if (result.replies > 0) {
      run.server_cpu_us_per_request =
          std::chrono::duration<double, std::micro>(cpu).count() / static_cast<double>(result.replies);
    }
    run.server_voluntary_switches = after.server.voluntary_switches - before.server.voluntary_switches;
    run.server_involuntary_switches = after.server.involuntary_switches - before.server.involuntary_switches;
    run.foreign_share = suspicion.foreign_share;
  }
  run.generator_cpu_share = suspicion.generator_cpu_share;
  run.generator_run_delay_share = suspicion.generator_run_delay_share;
  run.steal_share = suspicion.steal_share;
  run.clock_drift_ppm = suspicion.clock_drift * 1e6;
  run.invalid_reason = why_invalid(suspicion);
}

}  // namespace harness
