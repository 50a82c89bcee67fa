#include "common/harness/comparing/rounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/harness/measuring/percentile.h"
#include "common/harness/measuring/validity.h"

namespace harness {

namespace {

constexpr int latency_tries = 2;  // of a run, until it is valid

std::vector<std::size_t> indices_of_processes(const std::vector<Target>& contenders) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    if (!contenders[i].running_at) indices.push_back(i);
  }
  return indices;
}

void fill_in_cost(Run& run, const Turns& turns, const TurnsCost& cost) {
  const std::chrono::duration<double> both = cost.server_cpu + cost.generator_cpu;
  run.duration_s = std::chrono::duration<double>(turns_length).count();
  run.speaking = run.active;
  run.requests = cost.replies;
  run.server_cpu_us_per_request = cost.server_us_a_request();
  run.server_cpu_share = cost.server_cpu / both;
  run.generator_cpu_share = cost.generator_cpu / both;
  run.steal_share = turns.steal_share;
  run.invalid_reason = why_invalid({.steal_share = turns.steal_share});
}

}  // namespace

Rounds::Rounds(std::vector<Target> contenders, const LoadPoint& point, std::size_t rounds, Cores cores,
               const Interruption& interruption, RoundsObserver observer)
    : contenders_(std::move(contenders)),
      processes_(indices_of_processes(contenders_)),
      point_(point),
      cores_(std::move(cores)),
      interruption_(interruption),
      observer_(std::move(observer)),
      tallies_(contenders_.size(), rounds) {}

std::size_t Rounds::steps() const {
  return (processes_.empty() ? 0 : 1) + (cores_.shared ? 0 : contenders_.size());
}

void Rounds::conduct(std::size_t number, const std::vector<std::size_t>& order) {
  if (!processes_.empty()) take_turns(number, order);
  if (cores_.shared) return;
  for (const std::size_t contender : order) measure_latency(number, contender);
}

Run Rounds::planned(std::size_t number, std::size_t contender) const {
  Run run;
  run.server = contenders_[contender].name;
  run.connections = point_.connections;
  run.active = point_.active;
  run.message_bytes = point_.message_bytes;
  run.repetition = static_cast<int>(number) + 1;
  return run;
}

void Rounds::take_turns(std::size_t number, const std::vector<std::size_t>& order) {
  observer_.announce("CPU, in turns");
  std::vector<Contender> speakers;
  for (const std::size_t i : processes_)
    speakers.push_back({.name = contenders_[i].name, .command = contenders_[i].command});
  std::vector<std::size_t> their_order;
  for (const std::size_t i : order) {
    const auto place = std::find(processes_.begin(), processes_.end(), i);
    if (place != processes_.end())
      their_order.push_back(static_cast<std::size_t>(place - processes_.begin()));
  }
  const Turns turns = harness::take_turns(speakers, their_order,
                                          {.connections = point_.connections,
                                           .active = point_.active,
                                           .message_bytes = point_.message_bytes,
                                           .core = *cores_.generator},
                                          interruption_);
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    Measured measured{.run = planned(number, processes_[i]), .latency_ns = {}, .requests = {}};
    Run& run = measured.run;
    run.experiment = cpu_experiment;
    fill_in_cost(run, turns, turns.costs[i]);
    if (run.invalid_reason.empty())
      tallies_.cpu.add(processes_[i], number, *run.server_cpu_us_per_request);
    else
      tallies_.cpu.reject(run.invalid_reason);
    observer_.record(measured, processes_[i]);
  }
}

void Rounds::measure_latency(std::size_t number, std::size_t contender) {
  const Target& target = contenders_[contender];
  observer_.announce(target.name + ", latency");
  interruption_.check();
  Measured measured = measure(target, point_, cores_, interruption_);
  for (int tries = 1; tries < latency_tries && may_be_valid_next_time(measured.run, cores_); ++tries)
    measured = measure(target, point_, cores_, interruption_);
  Run& run = measured.run;
  run.experiment = latency_experiment;
  run.repetition = static_cast<int>(number) + 1;
  observer_.record(measured, contender);
  if (run.lost() > 0 || run.requests == 0U)
    throw ServerError(fmt::format("server '{}': {}", target.name, run.invalid_reason));
  const auto count = [&run, contender, number](Tally& tally, const std::optional<double>& value,
                                               double percent) {
    if (!run.invalid_reason.empty())
      tally.reject(run.invalid_reason);
    else if (!value)
      tally.reject(
          fmt::format("it had {} requests, and {} are needed", *run.requests, samples_needed(percent)));
    else
      tally.add(contender, number, *value);
  };
  count(tallies_.p50, run.p50_us, 50);
  count(tallies_.p99, run.p99_us, 99);
}

}  // namespace harness
