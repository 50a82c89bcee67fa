#include "common/harness/comparing/turns.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>

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

std::chrono::nanoseconds cpu_of_ended_children() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// On one core as long as the test lasts.
struct OneCore : testing::Interruptible {
  harness::Turns take_turns(const std::vector<Contender>& contenders, const std::vector<std::size_t>& order) {
    auto turns = harness::take_turns(contenders, order,
                                     {.connections = 8, .active = 4, .core = harness::usable_cores().front()},
                                     interruption);
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
  const auto before = cpu_of_ended_children();
  const auto turns = take_turns({ours("nonblocking-loop"), ours("nonblocking-loop"), ours("nonblocking-loop"),
                                 ours("nonblocking-loop"), ours("epoll")},
                                {0, 1, 2, 3, 4});
  std::chrono::nanoseconds counted{0};
  for (const auto& cost : turns.costs) counted += cost.server_cpu;
  // Beside what is counted there is the warm-up, a fifth of it. In the others' turns it would be the larger
  // part.
  CHECK(cpu_of_ended_children() - before < 2 * counted);
  CHECK(cpu_of_ended_children() - before > counted);
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
