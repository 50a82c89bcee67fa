#include "common/bench/room_calls.h"

#include <fmt/format.h>

#include <csignal>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>

#include "common/bench/audience.h"
#include "common/harness/experiments/system_calls.h"
#include "common/harness/processes/child_process.h"
#include "common/harness/processes/memory_file.h"
#include "common/harness/processes/server_process.h"
#include "common/harness/processes/strace.h"
#include "common/kernel/numbers.h"

namespace bench {

using namespace std::chrono_literals;

namespace {

constexpr int lines = 100;

// strace(1), attached to a process while this object lives.
class Tracer {
 public:
  explicit Tracer(pid_t traced)
      : table_("strace"),
        errors_("strace-errors"),
        strace_({.words = {"strace", "-f", "-c", "-qq", "-o", table_.path(), "-p", std::to_string(traced)},
                 .errors = errors_.fd()}) {
    const std::string status = fmt::format("/proc/{}/status", traced);
    while (kernel::number_behind("TracerPid:", status).value_or(0) == 0) {
      if (strace_.has_ended()) throw harness::NotCounted("strace can't attach: " + errors_.contents());
      std::this_thread::sleep_for(1ms);
    }
  }
  /// Ends it, and returns how many calls it has counted.
  std::int64_t finish(const harness::Interruption& interruption) {
    strace_.send_signal(SIGINT);
    if (!strace_.wait_for_end(10s, &interruption)) throw harness::NotCounted("strace doesn't end at SIGINT");
    const auto calls = harness::parse_strace_summary(table_.contents());
    return std::accumulate(calls.begin(), calls.end(), std::int64_t{0},
                           [](std::int64_t sum, const auto& call) { return sum + call.second; });
  }

 private:
  harness::MemoryFile table_;
  harness::MemoryFile errors_;
  harness::ChildProcess strace_;
};

Sample count_once(const harness::Contender& room, int core, const harness::Interruption& interruption) {
  const harness::ServerProcess process({.words = room.command, .core = core});
  Audience audience(process.address(), listeners);
  Tracer tracer(process.pid());
  for (int i = 0; i < lines; ++i) {
    interruption.check();
    audience.say_and_hear();
  }
  const auto calls = tracer.finish(interruption);
  return Sample::ratio(static_cast<double>(calls), static_cast<double>(audience.deliveries()));
}

}  // namespace

std::string room_calls_name(const harness::Contender& room) {
  return fmt::format("{}: system calls a delivered line", room.name);
}

Figure room_calls(const harness::Contender& room, const Goal& goal, int core, harness::Progress& progress,
                  const harness::Interruption& interruption) {
  Figure figure{.name = room_calls_name(room), .unit = "calls", .goal = goal};
  for (std::size_t i = 0; i < room_calls_repetitions; ++i) {
    progress.step(figure.name);
    try {
      figure.samples.push_back(count_once(room, core, interruption));
    } catch (const harness::CannotStart& error) {
      figure.note = fmt::format("skipped: {} (Debian's package: strace)", error.what());
    } catch (const harness::NotCounted& error) {
      figure.note = fmt::format("skipped: {}", error.what());
    }
  }
  return figure;
}

}  // namespace bench
