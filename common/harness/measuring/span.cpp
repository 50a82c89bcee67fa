#include "common/harness/measuring/span.h"

#include <algorithm>
#include <thread>

namespace harness {

double share(std::chrono::nanoseconds part, std::chrono::nanoseconds whole) {
  return whole.count() > 0 ? static_cast<double>(part.count()) / static_cast<double>(whole.count()) : 0;
}

Snapshot::Snapshot(ServerProcess* process) {
  if (process != nullptr) server = cpu_usage(process->pid());
  time = std::chrono::steady_clock::now();  // reading the counts of a thousand threads takes a while
  generator = own_usage();
}

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
  }
  run.generator_cpu_share = suspicion.generator_cpu_share;
  run.generator_run_delay_share = suspicion.generator_run_delay_share;
  run.steal_share = suspicion.steal_share;
  run.invalid_reason = why_invalid(suspicion);
}

}  // namespace harness
