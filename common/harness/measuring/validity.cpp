#include "common/harness/measuring/validity.h"

#include <fmt/format.h>

#include <cmath>

namespace harness {

namespace {

constexpr double starved = 0.10;         // of the span, waiting for a core although it could have run
constexpr double generator_busy = 0.95;  // of its core: it could not have sent more…
constexpr double server_idle = 0.90;     // …while the server could have served more
constexpr double disturbed = 0.02;       // of all cores' time, stolen by the hypervisor
constexpr double late = 0.10;            // of the mean interval, at the p99
constexpr double held_back = 0.01;       // of the offered requests
constexpr double wrong_length = 0.01;    // of the span
constexpr double foreign = 0.15;         // of the server's core: what others took of it
constexpr double drifted = 0.001;        // time synchronisation slews by half of that at most
constexpr auto slept = std::chrono::milliseconds(10);

std::string why_invalid(const OpenLoopSuspicion& suspicion) {
  if (suspicion.lateness_share > late) {
    return fmt::format("the generator was late: by {:.0f} % of the interval between requests, at its p99",
                       suspicion.lateness_share * 100);
  }
  if (suspicion.held_back_share > held_back) {
    return fmt::format("the generator sent {:.0f} % of the requests too late for the span",
                       suspicion.held_back_share * 100);
  }
  return "";
}

// What makes any time wrong that was taken in the run.
std::string why_wrong_times(const Suspicion& suspicion) {
  if (suspicion.suspended > slept) {
    return fmt::format("the machine was suspended for {:.2f} s",
                       std::chrono::duration<double>(suspicion.suspended).count());
  }
  if (std::abs(suspicion.clock_drift) > drifted) {
    return fmt::format("the clock ran off: by {:+.2f} % against the raw one", suspicion.clock_drift * 100);
  }
  if (std::abs(suspicion.length_ratio - 1) > wrong_length) {
    return fmt::format("the run took {:.1f} % of the time that it should have", suspicion.length_ratio * 100);
  }
  return "";
}

}  // namespace

std::string why_invalid(const Suspicion& suspicion) {
  if (suspicion.shared_core) return "server and generator share the only core";
  if (is_disturbed(suspicion.steal_share)) {
    return fmt::format("the hypervisor took {:.0f} % of the time", suspicion.steal_share * 100);
  }
  if (suspicion.generator_run_delay_share > starved && !suspicion.on_all_cores) {
    return fmt::format("the generator was starved: it waited for a core {:.0f} % of the time",
                       suspicion.generator_run_delay_share * 100);
  }
  if (std::string times = why_wrong_times(suspicion); !times.empty()) return times;
  if (suspicion.open_loop) {
    if (std::string reason = why_invalid(*suspicion.open_loop); !reason.empty()) return reason;
  }
  if (suspicion.foreign_share > foreign) {
    return fmt::format("other processes took {:.0f} % of the {}", suspicion.foreign_share * 100,
                       suspicion.on_all_cores ? "cores" : "server's core");
  }
  if (suspicion.open_loop) return "";
  if (suspicion.generator_cpu_share > generator_busy &&
      suspicion.server_cpu_share.value_or(0) < server_idle) {
    return "the generator was the bottleneck";
  }
  return "";
}

bool is_disturbed(double steal_share) { return steal_share > disturbed; }

void invalidate_what_lost_clients(Run& run) {
  if (run.lost() > 0) {
    run.invalid_reason = fmt::format("{} of {} clients were lost or got wrong bytes: {}", run.lost(),
                                     run.connections, losses_of(run));
  } else if (run.requests == 0U) {
    run.invalid_reason = "no request was answered";
  }
}

}  // namespace harness
