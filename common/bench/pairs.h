#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/bench/contender.h"
#include "common/bench/figure.h"
#include "common/harness/processes/interruption.h"
#include "common/harness/progress.h"

namespace bench {

/// Two servers whose speeds are compared: subject over base.
struct Comparison {
  Server subject;
  Server base;
  std::optional<Goal> goal = std::nullopt;
  Begin begin = begin_echo;             ///< what the two are, and what their clients do
  bool goal_is_for_the_server = false;  ///< for its CPU alone, not for both ends'

  std::string name() const { return subject.name + " / " + base.name; }
};

struct PairPlan {
  std::size_t pairs = 16;  ///< of each comparison
  std::uint64_t seed = 1;  ///< the same seed gives the same order of runs
  int core = 0;            ///< the one that servers and generator share
};

/// Measures the comparisons by paired short runs on one core. Returns two figures for each, in their order:
/// the ratio of their speeds by both ends' CPU time, and by the server's alone, where the clients' equal
/// share doesn't blur the difference. Throws harness::ServerError, harness::Interrupted, net::SystemError.
///
/// Why so:
///   - One core for server and clients: it is never idle, so requests (or deliveries) a second are the
///     inverse of the work for one, whichever end is slower. On two cores the wake-ups between them decide,
///     and spread by tens of percent on a virtual machine.
///   - Seconds are those in which server or clients had the core: other programs' turns don't count. On a
///     core that nobody else uses they are the seconds of the clock.
///   - Pairs: the machine's speed drifts by more than servers differ, within a second when the neighbour of a
///     core comes and goes. Both servers of a pair are up at once and work in ten turns each, of 25 ms
///     (rooms: 100 ms), so they see the same machine, and their ratio is free of the drift. Which of the two
///     begins is random, and so is the order of all pairs, so that no predecessor favours anyone.
///   - Fresh servers for each pair: where a process's memory happens to lie is worth a percent or two. A
///     server that lived through all pairs would carry its luck into every ratio, where no number of pairs
///     shows it; fresh ones make it part of the spread. A start costs some 10 ms.
///   - A pair from which a hypervisor took time away (steal in /proc/stat) is repeated.
std::vector<Figure> run_pairs(const std::vector<Comparison>& comparisons, const PairPlan& plan,
                              harness::Progress& progress, const harness::Interruption& interruption);

}  // namespace bench
