#include "common/bench/pairs.h"

#include <fmt/format.h>

#include "common/bench/order.h"
#include "common/harness/measuring/environment.h"

namespace bench {

namespace {

struct Measured {
  Sample both_ends;
  Sample server_alone;
  bool disturbed = false;  // a hypervisor took time away
};

Measured run_pair(const Comparison& comparison, bool subject_first, int core,
                  const harness::Interruption& interruption) {
  const harness::Turns turns =
      harness::take_turns({comparison.subject, comparison.base},
                          subject_first ? std::vector<std::size_t>{0, 1} : std::vector<std::size_t>{1, 0},
                          {.core = core}, interruption, comparison.begin);
  const harness::TurnsCost& subject = turns.costs[0];
  const harness::TurnsCost& base = turns.costs[1];
  // Requests a second of CPU time are the inverse of CPU time a request.
  return {
      .both_ends = Sample::ratio(1e6 / subject.both_ends_us_a_request(), 1e6 / base.both_ends_us_a_request()),
      .server_alone = Sample::ratio(1e6 / subject.server_us_a_request(), 1e6 / base.server_us_a_request()),
      .disturbed = turns.disturbed()};
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
    const Measured pair = run_pair(comparison, slot.subject_first, plan.core, interruption);
    figures[slot.comparison * 2].samples.push_back(pair.both_ends);
    figures[slot.comparison * 2 + 1].samples.push_back(pair.server_alone);
    disturbed[slot.comparison] += pair.disturbed ? 1 : 0;
  }
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    if (disturbed[i] == 0) continue;
    figures[i * 2].note = fmt::format("{} of {} pairs kept although the hypervisor took time in {} attempts",
                                      disturbed[i], plan.pairs, harness::turns_attempts);
  }
  return figures;
}

}  // namespace bench
