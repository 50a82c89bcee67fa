#include "common/harness/measuring/measurement.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "common/harness/load/load_generator.h"
#include "common/harness/load/open_loop.h"
#include "common/harness/measuring/clocks.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/measuring/foreign_load.h"
#include "common/harness/measuring/open_loop_figures.h"
#include "common/harness/measuring/percentile.h"
#include "common/harness/measuring/socket_memory.h"
#include "common/harness/measuring/span.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int attempts = 3;
constexpr auto repeating = 20s;  // after that no further attempt begins

void fill_in_latency(Run& run, std::span<const std::uint32_t> latency_ns) {
  std::vector<std::uint32_t> sorted(latency_ns.begin(), latency_ns.end());
  std::sort(sorted.begin(), sorted.end());
  fill_in_latencies(run, latencies_of(std::span<const std::uint32_t>(sorted)));
}

// What a measured point is about, and where it stands.
struct Site {
  const LoadPoint& point;
  RunningTarget& server;
  const Cores& cores;

  Circumstances circumstances() const { return Circumstances::of(server, cores, point.cost, point.duration); }
};

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

std::vector<Interjection> interjections_of(const LoadPoint& point, ServerProcess* process) {
  if (!point.halt) return {};
  if (process == nullptr) throw std::invalid_argument("only a process of ours can be halted");
  return {{.after = point.halt->after, .action = [process] { process->send_signal(SIGSTOP); }},
          {.after = point.halt->after + point.halt->length,
           .action = [process] { process->send_signal(SIGCONT); }}};
}

void warm_up(LoadGenerator& generator, const LoadPoint& point) { generator.speak(point.warm_up); }
void warm_up(OpenLoop& generator, const LoadPoint& point) { generator.speak(point.warm_up, 0ns); }

LoadResult speak(LoadGenerator& generator, const Site& site) {
  return generator.speak(site.point.duration, interjections_of(site.point, site.server.process()),
                         site.point.keep_requests);
}

OpenLoopResult speak(OpenLoop& generator, const Site& site) {
  return generator.speak(site.point.duration, LoadPlan().request_timeout,
                         interjections_of(site.point, site.server.process()));
}

std::optional<OpenLoopSuspicion> record(Measured& measured, const LoadPoint& point, LoadResult& result) {
  measured.run.requests = result.latency_ns.size();
  fill_in_latency(measured.run, result.latency_ns);
  if (point.keep_requests) measured.requests = csv_of(result);
  measured.latency_ns = std::move(result.latency_ns);
  return std::nullopt;
}

std::optional<OpenLoopSuspicion> record(Measured& measured, const LoadPoint& point, OpenLoopResult& result) {
  fill_in_open_loop(measured.run, result, LoadPlan().request_timeout);
  measured.run.open_loop->arrivals = name_of(point.rate->arrivals);
  measured.requests = csv_of(result);
  return OpenLoopSuspicion{.lateness_share = share(lateness_p99(result), point.rate->interval()),
                           .held_back_share = share_held_back(result)};
}

// All connections are open: the warm-up, and the measured span.
template <typename Generator>
void measure_span(Generator& generator, Measured& measured, const Site& site) {
  ServerProcess* const process = site.server.process();
  warm_up(generator, site.point);
  const Circumstances circumstances = site.circumstances();
  const Snapshot before(process, circumstances.servers_cores);
  auto result = speak(generator, site);
  // The span ends here; reading the server's counts is not part of it.
  const OwnUsage generator_after = own_usage();
  const auto busy_after = busy_time(circumstances.servers_cores);
  const ClockReading clocks_after = read_clocks();
  Snapshot after(process, circumstances.servers_cores);
  after.generator = generator_after;
  after.busy = busy_after;
  after.clocks = clocks_after;
  const auto open_loop = record(measured, site.point, result);
  fill_in_span(measured.run, before, after, circumstances, result, open_loop);
}

// What is looked at when nobody speaks any more.
void fill_in_rest(Run& run, const Connections& generator, RunningTarget& server, std::int64_t slab_before) {
  run.errors = generator.failures().errors;
  run.timeouts = generator.failures().timeouts;
  run.refused = generator.failures().refused;
  run.corrupt = generator.failures().corrupt;
  const bool nobody_left = generator.living() == 0;
  invalidate_what_lost_clients(run);
  ServerProcess* const process = server.process();
  if (process == nullptr) return;
  // A process that ends closes its sockets a moment before it can be waited for.
  if (process->wait_for_end(nobody_left ? 1s : 0s)) {
    throw ServerError(fmt::format("server '{}' ended during the load ({}): {}", run.server,
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

template <typename Generator>
void measure_with(Generator generator, Measured& measured, const Site& site, std::int64_t slab_before) {
  generator.open();
  if (site.point.duration > 0ns) measure_span(generator, measured, site);
  fill_in_rest(measured.run, generator, site.server, slab_before);
  generator.abort();
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
  const LoadPlan plan{.server = server.address(),
                      .connections = point.connections,
                      .active = point.active,
                      .message_bytes = point.message_bytes};
  const Site site{.point = point, .server = server, .cores = cores};
  if (point.rate)
    measure_with(OpenLoop(plan, interruption, *point.rate), measured, site, slab_before);
  else
    measure_with(LoadGenerator(plan, interruption), measured, site, slab_before);
  return measured;
}

}  // namespace

Cores Cores::choose() {
  const std::vector<int> usable = usable_cores();
  return {
      .server = usable.front(), .generator = usable.back(), .shared = usable.size() < 2, .usable = usable};
}

Measured measure(const Target& target, const LoadPoint& point, const Cores& cores,
                 const Interruption& interruption) {
  for (int attempt = 1;; ++attempt) {
    Measured measured = measure_once(target, point, cores, interruption);
    const bool again = is_disturbed(measured.run.steal_share.value_or(0));
    if (!again || attempt == attempts) return measured;
  }
}

Measured measure_until_valid(const Target& target, const LoadPoint& point, const Cores& cores,
                             const Interruption& interruption) {
  const auto begin = Clock::now();
  for (int attempt = 1;; ++attempt) {
    Measured measured = measure(target, point, cores, interruption);
    const bool again = attempt < attempts && Clock::now() < begin + repeating;
    if (!again || !may_be_valid_next_time(measured.run, cores)) return measured;
  }
}

bool may_be_valid_next_time(const Run& run, const Cores& cores) {
  return !run.invalid_reason.empty() && !cores.shared && run.lost() == 0 && run.requests.value_or(0) > 0;
}

}  // namespace harness
