#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "common/harness/load/connections.h"
#include "common/harness/measuring/clocks.h"
#include "common/harness/measuring/measurement.h"
#include "common/harness/measuring/validity.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/target.h"
#include "common/harness/records/records.h"

namespace harness {

/// A part of a whole, 0 of nothing.
double share(std::chrono::nanoseconds part, std::chrono::nanoseconds whole);

/// All that is read before and after a span of speaking.
struct Snapshot {
  std::chrono::steady_clock::time_point time = std::chrono::steady_clock::now();
  OwnUsage generator = own_usage();
  std::chrono::nanoseconds steal = stolen_time();
  std::chrono::nanoseconds busy{0};  ///< the cores on which the server runs
  ClockReading clocks;
  CpuUsage server;

  /// Of a server that has no process of ours (null) there is nothing to be read.
  Snapshot(ServerProcess* process, const std::vector<int>& servers_cores);
};

/// Where a span was measured, and how long it was to be.
struct Circumstances {
  bool has_process = false;
  bool shared_core = false;        ///< server and generator have one for both
  std::vector<int> servers_cores;  ///< those on which the server may run; none for a server elsewhere
  bool generator_on_them = false;  ///< it runs there too
  std::chrono::nanoseconds length{0};

  static Circumstances of(RunningTarget& server, const Cores& cores, const RequestCost& cost,
                          std::chrono::nanoseconds length);
};

/// Fills in what the span between two snapshots has cost both sides, and why its figures are not valid, if
/// so.
void fill_in_span(Run& run, const Snapshot& before, const Snapshot& after, const Circumstances& circumstances,
                  const SpanResult& result, const std::optional<OpenLoopSuspicion>& open_loop);

}  // namespace harness
