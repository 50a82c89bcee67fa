#include "common/harness/comparing/turns.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "common/harness/measuring/environment.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/server_process.h"
#include "common/harness/processes/target.h"
#include "common/testing/conversation.h"
#include "common/testing/interruptible.h"
#include "common/testing/made_up_servers.h"

using namespace std::chrono_literals;
using harness::Contender;

namespace {

Contender ours(const std::string& name, const std::vector<std::string>& options = {}) {
  Contender contender{.name = name,
                      .command = {harness::program_folder() + "/../bin/" + name, "--port", "0"}};
  contender.command.insert(contender.command.end(), options.begin(), options.end());
  return contender;
}

// The server that `begin` has started.
pid_t started_since(const std::vector<pid_t>& before) {
  const auto now = harness::living_descendants();
  const auto fresh = std::find_if(now.begin(), now.end(), [&before](pid_t pid) {
    return std::find(before.begin(), before.end(), pid) == before.end();
  });
  REQUIRE(fresh != now.end());
  return *fresh;
}

// In turns: of the servers whose turns they were, and of the others.
struct ServersCpu {
  std::chrono::nanoseconds own{0};
  std::chrono::nanoseconds others{0};
};

// A speaker that sees what its server and the others' have computed while it had its turns.
class Watched : public harness::TurnTaker {
 public:
  static inline ServersCpu seen;  // in all attempts of a test: a hypervisor may have disturbed one

  static std::unique_ptr<TurnTaker> begin(const Contender& contender, const harness::TurnsPlan& plan,
                                          const harness::Interruption& interruption) {
    const auto before = harness::living_descendants();
    auto speaker = harness::begin_echo(contender, plan, interruption);
    return std::make_unique<Watched>(std::move(speaker), started_since(before));
  }

  Watched(std::unique_ptr<TurnTaker> speaker, pid_t server) : speaker_(std::move(speaker)), server_(server) {}

  void take_turn() override {
    const auto own_before = harness::cpu_time(server_);
    const auto others_before = cpu_of_others();
    speaker_->take_turn();
    const auto own = harness::cpu_time(server_) - own_before;
    own_ += own;
    seen.own += own;
    seen.others += cpu_of_others() - others_before;
  }

  harness::TurnsCost finish() override {
    const auto cost = speaker_->finish();
    CHECK(cost.server_cpu > 0ns);
    CHECK(cost.server_cpu <= own_);
    return cost;
  }

 private:
  std::chrono::nanoseconds cpu_of_others() const {
    std::chrono::nanoseconds cpu{0};
    for (const pid_t pid : harness::living_descendants()) {
      if (pid != server_) cpu += harness::cpu_time(pid);
    }
    return cpu;
  }

  std::unique_ptr<TurnTaker> speaker_;
  pid_t server_;
  std::chrono::nanoseconds own_{0};
};

// On one core as long as the test lasts.
struct OneCore : testing::Interruptible {
  harness::Turns take_turns(const std::vector<Contender>& contenders, const std::vector<std::size_t>& order,
                            harness::Begin begin = harness::begin_echo) {
    auto turns = harness::take_turns(contenders, order,
                                     {.connections = 8, .active = 4, .core = harness::usable_cores().front()},
                                     interruption, begin);
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      testing::note(
          contenders[i].name,
          fmt::format("answered {} times in {} ms of CPU, the generator took {} ms", turns.costs[i].replies,
                      turns.costs[i].server_cpu / 1ms, turns.costs[i].generator_cpu / 1ms));
    }
    return turns;
  }
  harness::OnCores one{{harness::usable_cores().front()}};
};

}  // namespace

TEST_CASE_FIXTURE(OneCore,
                  "turns: each contender gets its own, and who computes more for a request costs more") {
  const auto turns =
      take_turns({ours("epoll"), ours("epoll", {"--work-us", "300"}), ours("poll")}, {2, 0, 1});
  REQUIRE(turns.costs.size() == 3);
  for (const auto& cost : turns.costs) {
    CHECK(cost.replies > 0);
    CHECK(cost.server_cpu > 0ns);
    CHECK(cost.generator_cpu > 0ns);
    CHECK(cost.both_ends_us_a_request() > cost.server_us_a_request());
  }
  CHECK(turns.costs[1].server_us_a_request() > 3 * turns.costs[0].server_us_a_request());
  CHECK(turns.costs[0].replies > 3 * turns.costs[1].replies);
}

TEST_CASE_FIXTURE(OneCore,
                  "turns: who computes in silence is halted in the others' turns, and doesn't pay for them") {
  Watched::seen = {};
  take_turns({ours("nonblocking-loop"), ours("nonblocking-loop"), ours("nonblocking-loop"),
              ours("nonblocking-loop"), ours("epoll")},
             {0, 1, 2, 3, 4}, Watched::begin);
  testing::note("turns",
                fmt::format("{} ms of the servers' own in their turns, {:.1f} ms of the others'",
                            Watched::seen.own / 1ms,
                            std::chrono::duration<double, std::milli>(Watched::seen.others).count()));
  // Those that aren't halted would take more of a turn than the server whose turn it is: there are four.
  CHECK(Watched::seen.others < Watched::seen.own / 10);
}

TEST_CASE_FIXTURE(OneCore, "turns: a server that loses its clients has no cost") {
  const Contender garbage{.name = "garbage",
                          .command = testing::python_server(
                              "listener = socket.create_server(('127.0.0.1', 0))\n"
                              "print('listening on 127.0.0.1:%d' % listener.getsockname()[1], flush=True)\n"
                              "while True: listener.accept()[0].close()\n")};
  CHECK_THROWS_WITH_AS(take_turns({ours("epoll"), garbage}, {0, 1}),
                       "server 'garbage' failed 8 of 8 connections: its speed means nothing",
                       harness::ServerError);
  CHECK(harness::living_descendants().empty());
}

TEST_CASE_FIXTURE(OneCore, "turns: a contender that doesn't start is told of") {
  CHECK_THROWS_AS(take_turns({ours("epoll"), {.name = "false", .command = {"false"}}}, {0, 1}),
                  harness::ServerError);
  CHECK(harness::living_descendants().empty());
}
