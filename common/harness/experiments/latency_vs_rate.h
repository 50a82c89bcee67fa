#pragma once

#include "common/harness/experiments/experiment.h"

namespace harness {

/// Latency against the offered rate. The point says the rate as a share of the server's capacity: what a
/// closed loop reaches with the same connections and the same cost of a request, found anew just before each
/// run, since the speed of a machine drifts. `rounds` of the scale are the requests that are offered, so that
/// each percentile stands on as many at every rate (fewer where they would take over 30 s); `duration` is
/// that of the closed loop. Requests come at random intervals (Poisson), a pattern a repetition. A run that
/// only the machine's other work has made invalid is made again, as measure_until_valid does.
Outcome conduct_latency_vs_rate(const Run& plan, const Subject& subject, const Conditions& conditions);

}  // namespace harness
