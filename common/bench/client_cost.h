#pragma once

#include <vector>

#include "common/bench/figure.h"
#include "common/bench/pairs.h"
#include "common/harness/measuring/measurement.h"
#include "common/harness/processes/interruption.h"
#include "common/harness/progress.h"

namespace bench {

/// What a request costs the one who asks: CPU time of our load generator against the epoll server, and of
/// redis-benchmark against redis-server, in turns; the server on another core. Both clients hold 50
/// connections, send 14 bytes (redis-benchmark: one PING) and wait for the reply before the next, in one
/// thread. Both costs hold the client's whole work, from making the connections to closing them; ours also
/// the verification of every byte of every reply, and the clock readings of two exact time stamps a request.
///
/// Returns our cost, theirs, and our requests a second and core over theirs. Without Redis, or with one core
/// only, figures without samples whose note says what is missing. Throws like run_pairs.
std::vector<Figure> compare_clients(const Server& server, std::size_t pairs, const harness::Cores& cores,
                                    harness::Progress& progress, const harness::Interruption& interruption);

}  // namespace bench
