#pragma once

#include "common/bench/figure.h"
#include "common/bench/pairs.h"
#include "common/harness/measuring/measurement.h"
#include "common/harness/processes/interruption.h"
#include "common/harness/progress.h"

namespace bench {

/// How many fresh servers idle_memory() looks at.
constexpr std::size_t memory_repetitions = 3;

/// User memory that `server` holds for one idle connection: the growth of its anonymous memory between none
/// and `connections` of them, each of which has been served once. If the descriptor limit is lower, as many
/// as it allows, and the note says so. Anonymous memory is what the server itself has written; pages of its
/// files are shared with other processes, whose coming and going would change a proportional figure.
Figure idle_memory(const Server& server, std::size_t connections, const Goal& goal,
                   const harness::Cores& cores, harness::Progress& progress,
                   const harness::Interruption& interruption);

}  // namespace bench
