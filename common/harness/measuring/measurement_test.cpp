#include "common/harness/measuring/measurement.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <string>
#include <vector>

#include "common/harness/measuring/environment.h"
#include "common/harness/measuring/percentile.h"
#include "common/testing/conversation.h"
#include "common/testing/interruptible.h"

using namespace std::chrono_literals;
using harness::Cores;
using harness::Measured;
using harness::Target;
using harness::why_invalid;

namespace {

Target server_of_ours(const std::string& name) {
  Target target;
  target.name = name;
  target.command = {harness::program_folder() + "/../bin/" + name, "--port", "0"};
  return target;
}

// Restores what a measurement changes in the calling thread: blocked signals and the core.
struct Undisturbed : testing::Interruptible {
  Undisturbed() = default;
  ~Undisturbed() { sched_setaffinity(0, sizeof(affinity), &affinity); }
  Undisturbed(const Undisturbed&) = delete;
  Undisturbed& operator=(const Undisturbed&) = delete;

  static cpu_set_t affinity_now() {
    cpu_set_t now;
    CPU_ZERO(&now);
    sched_getaffinity(0, sizeof(now), &now);
    return now;
  }
  // Measures, and notes what came of it.
  Measured measure(const Target& target, const harness::LoadPoint& point) const {
    testing::note(target.name, fmt::format("is measured with {} connections, {} of them active, for {} ms",
                                           point.connections, point.active, point.duration / 1ms));
    Measured measured = harness::measure(target, point, cores, interruption);
    const harness::Run& run = measured.run;
    testing::note(target.name,
                  fmt::format("answered {} times; {} errors, {} timeouts, {} refused, {} corrupt; {}",
                              run.requests.value_or(0), run.errors, run.timeouts, run.refused, run.corrupt,
                              run.invalid_reason.empty() ? "valid" : run.invalid_reason));
    return measured;
  }
  cpu_set_t affinity = affinity_now();
  Cores cores = Cores::choose();
};

// A process that does nothing but use a core, as ordinary processes do.
class Burner {
 public:
  explicit Burner(int core) : pid_(fork()) {
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    harness::pin_to_core(core);
    for (std::atomic<unsigned> turns = 0;;) ++turns;
  }
  ~Burner() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Burner(Burner&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Burner& operator=(Burner&&) = delete;
  Burner(const Burner&) = delete;
  Burner& operator=(const Burner&) = delete;

 private:
  pid_t pid_;
};

}  // namespace

TEST_CASE("a run is worth another one if only the machine was against it") {
  harness::Run run;
  run.requests = 10;
  harness::Cores cores;
  CHECK_FALSE(harness::may_be_valid_next_time(run, cores));
  run.invalid_reason = "the generator was starved";
  CHECK(harness::may_be_valid_next_time(run, cores));
  cores.shared = true;
  CHECK_FALSE(harness::may_be_valid_next_time(run, cores));
  cores.shared = false;
  run.refused = 1;
  CHECK_FALSE(harness::may_be_valid_next_time(run, cores));
  run.refused = 0;
  run.requests = 0;
  CHECK_FALSE(harness::may_be_valid_next_time(run, cores));
}

TEST_CASE_FIXTURE(Undisturbed, "a measured point says what was asked for, and agrees with its own samples") {
  const Measured measured =
      measure(server_of_ours("epoll"),
              {.connections = 20, .active = 4, .message_bytes = 64, .warm_up = 20ms, .duration = 200ms});
  const harness::Run& run = measured.run;
  CHECK(run.server == "epoll");
  CHECK(run.connections == 20);
  CHECK(run.active == 4);
  CHECK(run.speaking == 4);
  CHECK(run.message_bytes == 64);
  CHECK(run.duration_s == doctest::Approx(0.2));
  CHECK(run.errors + run.timeouts + run.refused + run.corrupt == 0);
  CHECK(run.requests == measured.latency_ns.size());

  std::vector<std::uint32_t> sorted = measured.latency_ns;
  REQUIRE_FALSE(sorted.empty());
  std::sort(sorted.begin(), sorted.end());
  const harness::Latencies exact = harness::latencies_of(std::span<const std::uint32_t>(sorted));
  CHECK(run.p50_us == exact.p50_us);
  CHECK(run.p90_us == exact.p90_us);
  CHECK(run.p99_us == exact.p99_us);
  CHECK(run.p999_us == exact.p999_us);
  CHECK(run.max_us == exact.max_us);
  CHECK(*run.requests_per_s > 0);
  CHECK(*run.requests_per_s <= static_cast<double>(sorted.size()) / 0.2 * 1.001);

  CHECK(*run.server_cpu_us_per_request > 0);
  CHECK(*run.server_cpu_share > 0);
  CHECK(*run.generator_cpu_share > 0);
  CHECK(*run.server_voluntary_switches >= 0);
  REQUIRE(run.memory);
  CHECK(run.memory->resident_bytes > 0);
  CHECK(run.memory->threads >= 1);
  CHECK(run.invalid_reason == why_invalid({.shared_core = cores.shared,
                                           .generator_cpu_share = *run.generator_cpu_share,
                                           .generator_run_delay_share = *run.generator_run_delay_share,
                                           .server_cpu_share = run.server_cpu_share,
                                           .steal_share = *run.steal_share,
                                           .foreign_share = *run.foreign_share,
                                           .clock_drift = *run.clock_drift_ppm / 1e6}));
}

TEST_CASE_FIXTURE(Undisturbed, "an open loop offers its rate, and every request is in its figures") {
  const Measured measured = measure(
      server_of_ours("epoll"), {.connections = 6, .active = 4, .duration = 200ms, .rate = {{.per_s = 500}}});
  const harness::Run& run = measured.run;
  CHECK(run.loop == "open");
  CHECK(run.speaking == 4);
  CHECK(run.lost() == 0);
  REQUIRE(run.open_loop);
  CHECK(run.open_loop->arrivals == "fixed");
  CHECK(run.open_loop->offered_per_s == doctest::Approx(500));
  CHECK(*run.requests + run.open_loop->not_answered == 100);
  CHECK(*run.requests > 0);
  CHECK(run.open_loop->achieved_per_s == *run.requests_per_s);
  CHECK(*run.p50_us >= *run.open_loop->uncorrected_p50_us);
  CHECK(*run.p90_us >= *run.open_loop->uncorrected_p90_us);
  CHECK_FALSE(run.p99_us);
  CHECK_FALSE(run.open_loop->lateness_p99_us);  // of a hundred requests
  CHECK(std::count(measured.requests.begin(), measured.requests.end(), '\n') == 1 + 100);
  CHECK(measured.latency_ns.empty());
}

TEST_CASE_FIXTURE(Undisturbed,
                  "a server that is halted: the corrected percentiles show it, the others don't") {
  const harness::LoadPoint point{.connections = 2,
                                 .active = 2,
                                 .duration = 600ms,
                                 .rate = {{.per_s = 500}},
                                 .halt = {{.after = 200ms, .length = 200ms}}};
  const harness::Run open = measure(server_of_ours("epoll"), point).run;
  REQUIRE(open.open_loop);
  CHECK(open.lost() == 0);
  // A third of the requests meant to be sent while it was halted, and at most two were on their way.
  CHECK(*open.p90_us > 100'000);
  CHECK(*open.open_loop->uncorrected_p90_us < *open.p90_us / 2);

  harness::LoadPoint closed_point = point;
  closed_point.rate.reset();
  closed_point.keep_requests = true;
  const Measured closed = measure(server_of_ours("epoll"), closed_point);
  CHECK_FALSE(closed.run.open_loop);
  CHECK(*closed.run.max_us > 100'000);  // it was halted
  CHECK(*closed.run.p90_us < *open.p90_us / 2);
  CHECK(std::count(closed.requests.begin(), closed.requests.end(), '\n') ==
        static_cast<std::ptrdiff_t>(1 + closed.latency_ns.size()));
}

TEST_CASE_FIXTURE(Undisturbed,
                  "beyond its capacity a server's requests wait: the corrected latencies say it") {
  Target slow = server_of_ours("epoll");
  slow.command.insert(slow.command.end(), {"--work-us", "2000"});
  const Measured measured =
      measure(slow, {.connections = 2, .active = 2, .duration = 200ms, .rate = {{.per_s = 2000}}});
  REQUIRE(measured.run.open_loop);
  CHECK(measured.run.open_loop->achieved_per_s < 600);  // 500 at most, and what the end cuts off
  CHECK(*measured.run.p50_us > 100'000);                // 400 requests take 800 ms
  CHECK(measured.run.open_loop->uncorrected_p50_us < *measured.run.p50_us / 2);
  CHECK(measured.run.lost() == 0);
}

TEST_CASE_FIXTURE(Undisturbed, "a point without duration measures memory alone") {
  const Measured measured = measure(server_of_ours("epoll"), {.connections = 30, .active = 0});
  CHECK(measured.latency_ns.empty());
  CHECK_FALSE(measured.run.requests);
  CHECK_FALSE(measured.run.p50_us);
  CHECK_FALSE(measured.run.server_cpu_share);
  CHECK(measured.run.errors + measured.run.timeouts + measured.run.refused + measured.run.corrupt == 0);
  REQUIRE(measured.run.memory);
  CHECK(measured.run.memory->proportional_bytes > 0);
  CHECK(measured.run.socket_bytes);
  CHECK(measured.run.slab_both_ends_bytes);
}

TEST_CASE_FIXTURE(Undisturbed, "of a server that runs elsewhere nothing is claimed but its replies") {
  harness::RunningTarget elsewhere(server_of_ours("epoll"), interruption);
  const Measured measured =
      measure(Target::at(elsewhere.address().to_string()), {.connections = 2, .active = 2, .duration = 50ms});
  CHECK(measured.run.requests == measured.latency_ns.size());
  CHECK_FALSE(measured.latency_ns.empty());
  CHECK_FALSE(measured.run.server_cpu_share);
  CHECK_FALSE(measured.run.memory);
  CHECK_FALSE(measured.run.socket_bytes);
}

TEST_CASE_FIXTURE(Undisturbed, "a server that ends under load is an error, not a figure") {
  Target target = server_of_ours("epoll");
  target.command.insert(target.command.begin(), {"timeout", "-s", "KILL", "0.5"});
  try {
    measure(target, {.connections = 2, .active = 2, .duration = 5s});
    FAIL("no exception");
  } catch (const harness::ServerError& error) {
    CHECK(std::string(error.what()).find("ended") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(Undisturbed, "a generator that is starved says so, and its figures are invalid") {
  if (cores.shared) {
    MESSAGE("skipped: with one core every point is invalid anyway");
    return;
  }
  harness::pin_to_core(*cores.generator);
  std::vector<Burner> burners;
  for (int i = 0; i < 3; ++i) burners.emplace_back(*cores.generator);
  const Measured measured =
      measure(server_of_ours("epoll"), {.connections = 50, .active = 50, .duration = 500ms});
  CAPTURE(*measured.run.generator_run_delay_share);
  CAPTURE(*measured.run.steal_share);
  CHECK_FALSE(measured.run.invalid_reason.empty());
  CHECK(*measured.run.generator_run_delay_share > 0.1);
  if (measured.run.invalid_reason.find("hypervisor") != std::string::npos) {
    MESSAGE("the hypervisor disturbs this machine too much to see the other reason");
    return;
  }
  CHECK(measured.run.invalid_reason.find("starved") != std::string::npos);
}
