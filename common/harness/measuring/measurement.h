#pragma once

#include <chrono>
#include <optional>

#include "common/harness/load/load_generator.h"
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

/// One load point.
struct LoadPoint {
  std::size_t connections = 1;
  std::size_t active = 1;
  std::size_t message_bytes = 14;
  std::chrono::nanoseconds warm_up{0};   ///< spoken and verified, but not measured
  std::chrono::nanoseconds duration{0};  ///< 0: the connections stay idle, only memory is measured
  RequestCost cost = {};                 ///< only for servers of the labs, which have the options for it
};

/// A measured point: its row, and its exact samples in nanoseconds.
struct Measured {
  Run run;
  std::vector<std::uint32_t> latency_ns;
};

/// Starts a fresh server, opens the connections, lets them speak, and measures both ends. A run that a
/// hypervisor has disturbed (steal time) is repeated up to twice. Throws ServerError, Interrupted,
/// net::SystemError.
Measured measure(const Target& target, const LoadPoint& point, const Cores& cores,
                 const Interruption& interruption);

/// What can make a point's figures untrustworthy, apart from the server.
struct Suspicion {
  bool shared_core = false;
  bool on_all_cores = false;  ///< shared on purpose: to wait for a core is part of the point
  double generator_cpu_share = 0;
  double generator_run_delay_share = 0;
  std::optional<double> server_cpu_share = std::nullopt;
  double steal_share = 0;
};

/// Why figures obtained under these circumstances are not valid; empty if they are. See docs/measurement.md.
std::string why_invalid(const Suspicion& suspicion);

/// A run that lost clients says nothing about a server with as many clients as it was to have, whatever else
/// speaks for it: it becomes invalid for that reason. So does one without a single reply.
void invalidate_what_lost_clients(Run& run);

/// True for a run that only the machine's other work has made invalid: another one may be valid.
bool may_be_valid_next_time(const Run& run, const Cores& cores);

}  // namespace harness
