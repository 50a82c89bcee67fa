#pragma once

#include <vector>

#include "common/harness/experiments/experiment.h"

namespace harness {

/// One second and a half with epoll, which is halted for 200 ms in the middle, as a program is that swaps,
/// collects its garbage or waits for a disk: once under a closed loop, once under an open one. The open one's
/// row holds both of its figures, uncorrected and corrected.
std::vector<Scenario> stalled_server_scenarios();

/// A run that only the machine's other work has made invalid is made again, twice at most.
Outcome conduct_stalled_server(const Run& plan, const Subject& subject, const Conditions& conditions);

}  // namespace harness
