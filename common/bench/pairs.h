#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/bench/figure.h"
#include "common/harness/comparing/turns.h"
#include "common/harness/processes/interruption.h"
#include "common/harness/progress.h"

namespace bench {

/// A server that takes part: its name in the report and how it is started.
using Server = harness::Contender;

/// Two servers whose speeds are compared, requests answered or lines delivered: subject over base.
struct Comparison {
  Server subject;
  Server base;
  std::optional<Goal> goal = std::nullopt;
  harness::Begin begin = harness::begin_echo;  ///< what the two are, and what their clients do
  bool goal_is_for_the_server = false;         ///< for its CPU alone, not for both ends'

  std::string name() const { return subject.name + " / " + base.name; }
};

struct PairPlan {
  std::size_t pairs = 16;  ///< of each comparison
  std::uint64_t seed = 1;  ///< the same seed gives the same order of runs
  int core = 0;            ///< the one that servers and generator share
};

/// Measures the comparisons by paired short runs on one core (harness::take_turns says how, and why so). The
/// order of all pairs is random, and which of the two begins, so that no predecessor favours anyone. Returns
/// two figures for each, in their order: the ratio of their speeds by both ends' CPU time, and by the
/// server's alone, where the clients' equal share doesn't blur the difference. Throws harness::ServerError,
/// harness::Interrupted, net::SystemError.
std::vector<Figure> run_pairs(const std::vector<Comparison>& comparisons, const PairPlan& plan,
                              harness::Progress& progress, const harness::Interruption& interruption);

}  // namespace bench
