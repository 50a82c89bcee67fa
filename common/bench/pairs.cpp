#include "common/bench/pairs.h"

#include <fmt/format.h>

#include "common/bench/order.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/processes/process_usage.h"

namespace bench {

namespace {

constexpr std::size_t turns = 10;  // of each server in a pair
constexpr int attempts = 4;

struct Measured {
  Sample both_ends;
  Sample server_alone;
  bool disturbed = false;  // a hypervisor took time away
};

Measured run_pair(const Comparison& comparison, bool subject_first, int core,
                  const harness::Interruption& interruption) {
  const auto subject = comparison.begin(comparison.subject, core, interruption);
  const auto base = comparison.begin(comparison.base, core, interruption);
  const auto stolen_before = harness::stolen_time();
  for (std::size_t i = 0; i < turns; ++i) {
    // A B, B A, A B, …: a machine that grows steadily slower or faster treats both alike.
    const bool subject_now = subject_first == (i % 2 == 0);
    (subject_now ? subject : base)->take_turn();
    (subject_now ? base : subject)->take_turn();
  }
  const bool stolen = harness::stolen_time() > stolen_before;
  const Speed a = subject->finish();
  const Speed b = base->finish();
  return {.both_ends = Sample::ratio(a.both_ends, b.both_ends),
          .server_alone = Sample::ratio(a.server_alone, b.server_alone),
          .disturbed = stolen};
}

// Two figures of each comparison: 2 × its number, and the one behind it.
std::vector<Figure> empty_figures(const std::vector<Comparison>& comparisons) {
  std::vector<Figure> figures;
  for (const Comparison& comparison : comparisons) {
    figures.push_back({.name = comparison.name(), .unit = "ratio"});
    figures.push_back({.name = "  the server's CPU alone", .unit = "ratio"});
    figures[figures.size() - (comparison.goal_is_for_the_server ? 1 : 2)].goal = comparison.goal;
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
