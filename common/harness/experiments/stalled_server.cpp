#include "common/harness/experiments/stalled_server.h"

#include <fmt/format.h>

#include "common/harness/processes/known_servers.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

constexpr const char* closed_loop = "closed-loop";
constexpr const char* open_loop = "open-loop";
constexpr auto halted_for = 200ms;
// Low enough that the generator is punctual on a machine with other work, and that a request seldom finds its
// connection taken while the server runs.
constexpr double requests_per_s = 1000;

LoadPoint point_of(const Run& plan, const Conditions& conditions) {
  const auto duration = conditions.scale.duration;
  LoadPoint point{.connections = plan.connections,
                  .active = plan.active,
                  .message_bytes = plan.message_bytes,
                  .warm_up = conditions.scale.warm_up,
                  .duration = duration,
                  .halt = Halt{.after = (duration - halted_for) / 2, .length = halted_for},
                  .keep_requests = true};
  if (plan.server == open_loop) point.rate = OfferedRate{.per_s = requests_per_s};
  return point;
}

std::string in_words(const Run& run) {
  if (!run.p99_us) return fmt::format("{}: too few requests for a p99", run.server);
  if (!run.open_loop) {
    return fmt::format("{}: p99 {:.2f} ms, the longest {:.0f} ms", run.server, *run.p99_us / 1000,
                       *run.max_us / 1000);
  }
  return fmt::format("{}: p99 {:.2f} ms from the real send, {:.0f} ms from the intended one", run.server,
                     *run.open_loop->uncorrected_p99_us / 1000, *run.p99_us / 1000);
}

}  // namespace

std::vector<Scenario> stalled_server_scenarios() {
  return {{.name = closed_loop}, {.name = open_loop, .loop = "open"}};
}

Outcome conduct_stalled_server(const Run& plan, const Subject& subject, const Conditions& conditions) {
  const Target epoll{.name = "epoll",
                     .command = {program_folder() + "/epoll", "--port", "0"},
                     .running_at = std::nullopt,
                     .known = std::nullopt};
  Measured measured =
      measure_until_valid(epoll, point_of(plan, conditions), conditions.cores, conditions.interruption);
  measured.run.server = subject.name;
  std::string note = in_words(measured.run);
  return {.run = std::move(measured.run), .events = std::move(measured.requests), .note = std::move(note)};
}

}  // namespace harness
