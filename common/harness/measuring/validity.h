#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/harness/records/records.h"

namespace harness {

/// What an open loop's generator did wrong itself.
struct OpenLoopSuspicion {
  double lateness_share = 0;   ///< the p99 of its lateness, over the mean interval between two requests
  double held_back_share = 0;  ///< of the requests: they fell out of the span by its doing
};

/// What can make a point's figures untrustworthy, apart from the server.
struct Suspicion {
  bool shared_core = false;
  bool on_all_cores = false;  ///< shared on purpose: to wait for a core is part of the point
  double generator_cpu_share = 0;
  double generator_run_delay_share = 0;
  std::optional<double> server_cpu_share = std::nullopt;
  double steal_share = 0;
  double foreign_share =
      0;                   ///< of the server's core, taken by processes that are neither server nor generator
  double clock_drift = 0;  ///< of the clock that measures against the raw one
  std::chrono::nanoseconds suspended{0};  ///< the machine slept
  double length_ratio = 1;                ///< how long the span was, over how long it was to be
  /// None: a closed loop. An open one never rests, so that it is punctual: its CPU says nothing.
  std::optional<OpenLoopSuspicion> open_loop = std::nullopt;
};

/// Why figures obtained under these circumstances are not valid; empty if they are. See docs/measurement.md.
std::string why_invalid(const Suspicion& suspicion);

/// More of all cores' time than that, stolen by the hypervisor, disturbs a run: another try is worth it.
bool is_disturbed(double steal_share);

/// A run that lost clients says nothing about a server with as many clients as it was to have, whatever else
/// speaks for it: it becomes invalid for that reason. So does one without a single reply.
void invalidate_what_lost_clients(Run& run);

}  // namespace harness
