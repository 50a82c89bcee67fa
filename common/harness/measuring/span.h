#pragma once

#include <chrono>
#include <optional>

#include "common/harness/load/connections.h"
#include "common/harness/measuring/validity.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/server_process.h"
#include "common/harness/records/records.h"

namespace harness {

/// A part of a whole, 0 of nothing.
double share(std::chrono::nanoseconds part, std::chrono::nanoseconds whole);

/// All that is read before and after a span of speaking.
struct Snapshot {
  std::chrono::steady_clock::time_point time = std::chrono::steady_clock::now();
  OwnUsage generator = own_usage();
  std::chrono::nanoseconds steal = stolen_time();
  CpuUsage server;

  /// Of a server that has no process of ours (null) there is nothing to be read.
  explicit Snapshot(ServerProcess* process);
};

/// Where a span was measured.
struct Circumstances {
  bool has_process = false;
  bool shared_core = false;
};

/// Fills in what the span between two snapshots has cost both sides, and why its figures are not valid, if
/// so.
void fill_in_span(Run& run, const Snapshot& before, const Snapshot& after, const Circumstances& circumstances,
                  const SpanResult& result, const std::optional<OpenLoopSuspicion>& open_loop);

}  // namespace harness
