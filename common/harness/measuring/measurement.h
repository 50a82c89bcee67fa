#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/harness/load/arrivals.h"
#include "common/harness/measuring/validity.h"
#include "common/harness/processes/interruption.h"
#include "common/harness/processes/target.h"
#include "common/harness/records/records.h"

namespace harness {

/// Where server and generator run. With two cores or more each has its own; with one they share it, and every
/// point is marked invalid for that reason.
struct Cores {
  std::optional<int> server;
  std::optional<int> generator;
  bool shared = false;
  std::vector<int> usable = {};  ///< all that this process may use

  /// Chooses from the cores that this process may use: the server gets the first, the generator the last.
  static Cores choose();
};

/// The server is stopped (SIGSTOP) in the middle of the measured span, and continued (SIGCONT). It needs a
/// process of ours.
struct Halt {
  std::chrono::nanoseconds after{0};  ///< since the span's beginning
  std::chrono::nanoseconds length{0};
};

/// One load point.
struct LoadPoint {
  std::size_t connections = 1;
  std::size_t active = 1;
  std::size_t message_bytes = 14;
  std::chrono::nanoseconds warm_up{0};   ///< spoken and verified, but not measured
  std::chrono::nanoseconds duration{0};  ///< 0: the connections stay idle, only memory is measured
  RequestCost cost = {};                 ///< only for servers of the labs, which have the options for it
  std::optional<OfferedRate> rate = std::nullopt;  ///< none: a closed loop
  std::optional<Halt> halt = std::nullopt;
  bool keep_requests = false;  ///< all times of each request are wanted of a closed loop too
};

/// A measured point: its row, and its exact samples.
struct Measured {
  Run run;
  std::vector<std::uint32_t> latency_ns;  ///< of a closed loop
  /// CSV of an open loop, or where it was asked for: "intended_us,sent_us,answered_us" a request, since the
  /// span's beginning; a closed loop has no intended times.
  std::string requests;
};

/// Starts a fresh server, opens the connections, lets them speak, and measures both ends. A run that a
/// hypervisor has disturbed (steal time) is repeated up to twice. Throws ServerError, Interrupted,
/// net::SystemError.
Measured measure(const Target& target, const LoadPoint& point, const Cores& cores,
                 const Interruption& interruption);

/// The same, again while only the machine's other work makes it invalid: twice at most, and not when 20 s
/// have gone by.
Measured measure_until_valid(const Target& target, const LoadPoint& point, const Cores& cores,
                             const Interruption& interruption);

/// True for a run that only the machine's other work has made invalid: another one may be valid.
bool may_be_valid_next_time(const Run& run, const Cores& cores);

}  // namespace harness
