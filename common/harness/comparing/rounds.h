#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/harness/comparing/tally.h"
#include "common/harness/comparing/turns.h"
#include "common/harness/measuring/measurement.h"

namespace harness {

/// What the rounds have shown: the CPU of the server for a request, from turns on one core; latencies from
/// runs on two. All in microseconds.
struct Tallies {
  Tallies(std::size_t contenders, std::size_t rounds)
      : cpu(contenders, rounds), p50(contenders, rounds), p99(contenders, rounds) {}

  Tally cpu;
  Tally p50;
  Tally p99;
};

/// What the experiments are called in the column of that name: a row for each contender and round.
constexpr const char* cpu_experiment = "compare-cpu";
constexpr const char* latency_experiment = "compare-latency";

/// Who is told of what happens.
struct RoundsObserver {
  std::function<void(const std::string& what)> announce;  ///< before each step
  /// Each run, whole and in its order, and whose it is: the contender's index.
  std::function<void(Measured& measured, std::size_t contender)> record;
};

/// Measures contenders round by round. In each, all that are processes of ours take turns on the generator's
/// core for their CPU; then each has a run of its own for its latency, server and generator on a core each: a
/// fresh server every time. With a single core there are no latencies.
class Rounds {
 public:
  /// `point` is the load of both, its rate and duration those of the latency runs; `rounds` how many there
  /// will be at most.
  Rounds(std::vector<Target> contenders, const LoadPoint& point, std::size_t rounds, Cores cores,
         const Interruption& interruption, RoundsObserver observer);

  /// Round `number`, counted from 0, in this order. What it has measured counts even if it is interrupted.
  /// The calling thread has to run on the generator's core. Throws ServerError for a server that doesn't
  /// start or loses a client, Interrupted.
  void conduct(std::size_t number, const std::vector<std::size_t>& order);

  /// How many steps a round announces.
  std::size_t steps() const;
  const Tallies& tallies() const { return tallies_; }

 private:
  void take_turns(std::size_t number, const std::vector<std::size_t>& order);
  void measure_latency(std::size_t number, std::size_t contender);
  Run planned(std::size_t number, std::size_t contender) const;

  std::vector<Target> contenders_;
  std::vector<std::size_t> processes_;  // those of the contenders that are processes of ours
  LoadPoint point_;
  Cores cores_;
  const Interruption& interruption_;
  RoundsObserver observer_;
  Tallies tallies_;
};

}  // namespace harness
