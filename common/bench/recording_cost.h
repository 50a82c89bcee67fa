#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/bench/figure.h"
#include "common/harness/measuring/measurement.h"
#include "common/harness/processes/interruption.h"
#include "common/harness/progress.h"

namespace bench {

/// What --record costs lab 10's pair: fast-writer sends 100,000 messages of 64 bytes to a slow-reader that
/// doesn't sleep. A pair of runs is one with the records of both ends and one without, in changing order, one
/// right after the other, on one core that both ends share; a pair from which a hypervisor took time away is
/// repeated. Returns two figures, recorded over unrecorded: messages a second of both ends' CPU time, which
/// the goal is for (at most 10 % fewer), and messages a second by the clock. `programs` is the folder of both
/// programs. Throws std::runtime_error, net::SystemError, harness::Interrupted.
std::vector<Figure> recording_cost(const std::string& programs, std::size_t pairs,
                                   const harness::Cores& cores, harness::Progress& progress,
                                   const harness::Interruption& interruption);

}  // namespace bench
