#include "common/bench/pairs.h"

#include <fmt/format.h>

#include "common/bench/order.h"
#include "common/harness/load/load_generator.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/server_process.h"

namespace bench {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t connections = 50;
constexpr std::size_t turns = 10;  // of each server in a pair
constexpr auto turn = 25ms;
constexpr auto warm_up = 50ms;
constexpr int attempts = 4;

// Requests a second of CPU time.
struct Speed {
  double both_ends = 0;
  double server_alone = 0;
};

// A server in a pair, with its clients. While it isn't its turn, both ends are silent and use no CPU time.
class Contender {
 public:
  Contender(const Server& server, int core, const harness::Interruption& interruption)
      : name_(server.name),
        process_({.words = server.command, .core = core}),
        generator_({.server = process_.address(), .connections = connections, .active = connections},
                   interruption) {
    generator_.open();
    generator_.speak(warm_up);
    server_cpu_before_ = harness::cpu_time(process_.pid());
  }

  void take_turn() {
    const auto before = harness::own_usage().cpu;
    replies_ += generator_.speak(turn).replies;
    generator_cpu_ += harness::own_usage().cpu - before;
  }

  // Ends the clients; before that, the server's CPU time is read. To be called once, after the last turn.
  Speed finish() {
    const auto server_cpu = harness::cpu_time(process_.pid()) - server_cpu_before_;
    const auto failures = generator_.failures().all();
    generator_.abort();
    if (failures > 0 || replies_ == 0) {
      throw harness::ServerError(fmt::format(
          "server '{}' failed {} of {} connections: its speed means nothing", name_, failures, connections));
    }
    const auto a_second = [this](std::chrono::nanoseconds cpu) {
      return static_cast<double>(replies_) / std::chrono::duration<double>(cpu).count();
    };
    return {.both_ends = a_second(generator_cpu_ + server_cpu), .server_alone = a_second(server_cpu)};
  }

 private:
  std::string name_;
  harness::ServerProcess process_;
  harness::LoadGenerator generator_;
  std::uint64_t replies_ = 0;
  std::chrono::nanoseconds generator_cpu_{0};
  std::chrono::nanoseconds server_cpu_before_{0};
};

struct Measured {
  Sample both_ends;
  Sample server_alone;
  bool disturbed = false;  // a hypervisor took time away
};

Measured run_pair(const Comparison& comparison, bool subject_first, int core,
                  const harness::Interruption& interruption) {
  Contender subject(comparison.subject, core, interruption);
  Contender base(comparison.base, core, interruption);
  const auto stolen_before = harness::stolen_time();
  for (std::size_t i = 0; i < turns; ++i) {
    // A B, B A, A B, …: a machine that grows steadily slower or faster treats both alike.
    const bool subject_now = subject_first == (i % 2 == 0);
    (subject_now ? subject : base).take_turn();
    (subject_now ? base : subject).take_turn();
  }
  const bool stolen = harness::stolen_time() > stolen_before;
  const Speed a = subject.finish();
  const Speed b = base.finish();
  return {.both_ends = Sample::ratio(a.both_ends, b.both_ends),
          .server_alone = Sample::ratio(a.server_alone, b.server_alone),
          .disturbed = stolen};
}

// Two figures of each comparison: 2 × its number, and the one behind it.
std::vector<Figure> empty_figures(const std::vector<Comparison>& comparisons) {
  std::vector<Figure> figures;
  for (const Comparison& comparison : comparisons) {
    figures.push_back({.name = comparison.name(), .unit = "ratio", .goal = comparison.goal});
    figures.push_back({.name = "  the server's CPU alone", .unit = "ratio"});
  }
  return figures;
}

}  // namespace

std::vector<Figure> run_pairs(const std::vector<Comparison>& comparisons, const PairPlan& plan,
                              harness::Progress& progress, const harness::Interruption& interruption) {
  harness::pin_to_core(plan.core);
  std::vector<Figure> figures = empty_figures(comparisons);
  std::vector<std::size_t> disturbed(comparisons.size());
  for (const Slot& slot : order_of_pairs(comparisons.size(), plan.pairs, plan.seed)) {
    const Comparison& comparison = comparisons[slot.comparison];
    progress.step(comparison.name());
    Measured pair;
    for (int attempt = 1; attempt <= attempts; ++attempt) {
      interruption.check();
      pair = run_pair(comparison, slot.subject_first, plan.core, interruption);
      if (!pair.disturbed) break;
    }
    figures[slot.comparison * 2].samples.push_back(pair.both_ends);
    figures[slot.comparison * 2 + 1].samples.push_back(pair.server_alone);
    disturbed[slot.comparison] += pair.disturbed ? 1 : 0;
  }
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    if (disturbed[i] == 0) continue;
    figures[i * 2].note = fmt::format("{} of {} pairs kept although the hypervisor took time in {} attempts",
                                      disturbed[i], plan.pairs, attempts);
  }
  return figures;
}

}  // namespace bench
