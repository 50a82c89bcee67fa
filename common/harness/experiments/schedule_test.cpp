#include "common/harness/experiments/schedule.h"
#include "common/harness/experiments/catalogue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;
using harness::Experiment;
using harness::make_schedule;
using harness::Scale;
using harness::Schedule;
using harness::Slot;
using harness::Subject;
using harness::Target;

namespace {

constexpr std::uint64_t plenty = 20'000;

Subject server(const std::string& name, const std::map<std::string, bool>& expected = {}) {
  return Subject::of(Target::of({.name = name, .lab = "00", .needs = "", .expected = expected}));
}

std::vector<Subject> four_servers() { return {server("a"), server("b"), server("c"), server("d")}; }

Experiment experiment(const std::vector<std::string>& needs = {}) {
  return {.name = "test", .description = "", .active = 1, .needs = needs, .quick = {}, .full = {}};
}

Scale scale(const std::vector<std::size_t>& connections, int repetitions) {
  return {.connections = connections, .repetitions = repetitions, .warm_up = 50ms, .duration = 150ms};
}

std::vector<std::tuple<std::size_t, std::size_t, int>> order_of(const Schedule& schedule) {
  std::vector<std::tuple<std::size_t, std::size_t, int>> order;
  for (const Slot& slot : schedule.slots) order.emplace_back(slot.subject, slot.connections, slot.repetition);
  return order;
}

Schedule with_seed(std::uint64_t seed) {
  return make_schedule(experiment(), scale({1, 10, 100, 1000}, 3), four_servers(), seed, plenty);
}

}  // namespace

TEST_CASE("the same seed gives the same schedule") {
  CHECK(order_of(with_seed(1)) == order_of(with_seed(1)));
  CHECK(order_of(with_seed(77)) == order_of(with_seed(77)));
}

TEST_CASE("another seed gives another order of the same slots") {
  auto one = order_of(with_seed(1));
  auto two = order_of(with_seed(2));
  CHECK(one != two);
  std::sort(one.begin(), one.end());
  std::sort(two.begin(), two.end());
  CHECK(one == two);
}

TEST_CASE("each repetition has every server at every point exactly once, before the next begins") {
  const Schedule schedule = with_seed(5);
  REQUIRE(schedule.slots.size() == 4 * 4 * 3);
  CHECK(schedule.left_out.empty());
  for (int repetition = 1; repetition <= 3; ++repetition) {
    std::set<std::pair<std::size_t, std::size_t>> seen;
    for (std::size_t i = 0; i < 16; ++i) {
      const Slot& slot = schedule.slots[static_cast<std::size_t>(repetition - 1) * 16 + i];
      CHECK(slot.repetition == repetition);
      CHECK(slot.subject < 4);
      CHECK(seen.insert({slot.subject, slot.connections}).second);
    }
    CHECK(seen.size() == 16);
  }
}

TEST_CASE("servers are interleaved, and every repetition has an order of its own") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const auto order = order_of(with_seed(seed));
    int changes = 0;
    for (std::size_t i = 1; i < 16; ++i)
      changes += std::get<0>(order[i]) != std::get<0>(order[i - 1]) ? 1 : 0;
    CHECK(changes > 3);  // three would be one server after the other
    bool repeated = true;
    for (std::size_t i = 0; i < 16; ++i) {
      repeated = repeated && std::get<0>(order[i]) == std::get<0>(order[16 + i]) &&
                 std::get<1>(order[i]) == std::get<1>(order[16 + i]);
    }
    CHECK_FALSE(repeated);
  }
}

TEST_CASE("a server that lacks what an experiment needs is left out with the reason") {
  const std::vector<Subject> subjects{server("blocking", {{"silent-client-stops-no-one", false}}),
                                      server("free", {{"silent-client-stops-no-one", true}}),
                                      Subject::of(Target::foreign({"./mine", "--port", "{port}"}))};
  const Schedule schedule =
      make_schedule(experiment({"silent-client-stops-no-one"}), scale({1, 10}, 2), subjects, 1, plenty);
  CHECK(schedule.left_out ==
        std::vector<std::string>{"blocking: by its nature not 'silent-client-stops-no-one'"});
  CHECK(schedule.slots.size() == 2 * 2 * 2);
  for (const Slot& slot : schedule.slots) CHECK(slot.subject != 0);

  CHECK(make_schedule(experiment(), scale({1, 10}, 2), subjects, 1, plenty).left_out.empty());
}

TEST_CASE("a server that stops at 1024 descriptors takes part up to 1000 connections") {
  const std::vector<Subject> subjects{server("walled", {{"more-than-1024", false}}),
                                      server("open", {{"more-than-1024", true}})};
  const Schedule schedule = make_schedule(experiment(), scale({100, 1000, 3000}, 1), subjects, 1, plenty);
  CHECK(schedule.left_out ==
        std::vector<std::string>{"walled at 3000 connections: by its nature not 'more-than-1024'"});
  auto order = order_of(schedule);
  std::sort(order.begin(), order.end());
  CHECK(order == std::vector<std::tuple<std::size_t, std::size_t, int>>{
                     {0, 100, 1}, {0, 1000, 1}, {1, 100, 1}, {1, 1000, 1}, {1, 3000, 1}});
}

TEST_CASE("points beyond the limit of descriptors are left out with the limit") {
  const Schedule schedule =
      make_schedule(experiment(), scale({10, 206, 207, 1000}, 2), {server("a"), server("b")}, 1, 256);
  REQUIRE(schedule.left_out.size() == 4);
  CHECK(schedule.left_out[0] == "a at 207 connections: the limit of descriptors is 256 (ulimit -n)");
  CHECK(schedule.left_out[3] == "b at 1000 connections: the limit of descriptors is 256 (ulimit -n)");
  CHECK(schedule.slots.size() == 2 * 2 * 2);
  for (const Slot& slot : schedule.slots) CHECK(slot.connections <= 206);
}

TEST_CASE("each cost of a request is a point of its own") {
  Scale costly = scale({1, 10}, 2);
  costly.costs = {{}, {.wait_us = 20}, {.work_us = 20, .on_all_cores = true}};
  const Schedule schedule = make_schedule(experiment(), costly, {server("a"), server("b")}, 1, plenty);
  CHECK(schedule.left_out.empty());
  std::set<std::tuple<std::size_t, std::size_t, std::size_t, std::size_t, bool, int>> seen;
  for (const Slot& slot : schedule.slots) {
    seen.insert({slot.subject, slot.connections, slot.cost.wait_us, slot.cost.work_us, slot.cost.on_all_cores,
                 slot.repetition});
  }
  CHECK(schedule.slots.size() == 2 * 2 * 3 * 2);
  CHECK(seen.size() == schedule.slots.size());
  CHECK(seen.contains({0, 10, 20, 0, false, 2}));
  CHECK(seen.contains({1, 1, 0, 20, true, 1}));
}

TEST_CASE("each share of the capacity is a point of its own, at each cost of a request") {
  Scale rates = scale({10}, 2);
  rates.costs = {{}, {.work_us = 20}};
  rates.capacity_percents = {10, 120};
  const Schedule schedule = make_schedule(experiment(), rates, {server("a"), server("b")}, 1, plenty);
  std::set<std::tuple<std::size_t, std::size_t, int, int>> seen;
  for (const Slot& slot : schedule.slots) {
    REQUIRE(slot.capacity_percent.has_value());
    CHECK(slot.connections == 10);
    seen.insert({slot.subject, slot.cost.work_us, *slot.capacity_percent, slot.repetition});
  }
  CHECK(schedule.slots.size() == 2 * 2 * 2 * 2);
  CHECK(seen.size() == schedule.slots.size());
  CHECK(seen.contains({1, 20, 120, 2}));
  for (const Slot& slot : with_seed(1).slots) CHECK_FALSE(slot.capacity_percent.has_value());
}

TEST_CASE(
    "latency-vs-rate goes from a tenth of the capacity to beyond it, in full with samples for a p99.9") {
  const auto& all = harness::experiments();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [](const Experiment& each) { return each.name == "latency-vs-rate"; });
  REQUIRE(found != all.end());
  CHECK(found->needs.empty());  // it is about all servers
  for (const Scale* profile : {&found->quick, &found->full}) {
    CHECK(profile->capacity_percents.front() == 10);
    CHECK(profile->capacity_percents.back() == 120);
    CHECK(std::is_sorted(profile->capacity_percents.begin(), profile->capacity_percents.end()));
  }
  CHECK(found->quick.rounds >= 1000);
  CHECK(found->full.rounds >= 5000);
}

TEST_CASE("a server that is not of the labs can't be given the cost of a request") {
  const std::vector<Subject> subjects{Subject::of(Target::foreign({"./mine", "--port", "{port}"})),
                                      server("ours")};
  Scale costly = scale({1}, 1);
  costly.costs = {{}, {.work_us = 5}};
  const Schedule schedule = make_schedule(experiment(), costly, subjects, 1, plenty);
  REQUIRE(schedule.left_out.size() == 1);
  CHECK(schedule.left_out[0] == "mine --port: not of the labs, so it has no options --work-us and --wait-us");
  CHECK(schedule.slots.size() == 2);
  for (const Slot& slot : schedule.slots) CHECK(slot.subject == 1);
  costly.costs = {{}};
  CHECK(make_schedule(experiment(), costly, subjects, 1, plenty).left_out.empty());
}

TEST_CASE("a point that takes long comes last, once, for those that are named, and that is said") {
  Scale with_long_point = scale({1, 10}, 2);
  with_long_point.long_point = {.connections = 1000, .subjects = {"a", "b"}};
  const Schedule schedule = make_schedule(experiment(), with_long_point, four_servers(), 1, plenty);
  const auto order = order_of(schedule);
  REQUIRE(order.size() == 4 * 2 * 2 + 2);
  CHECK(order[order.size() - 2] == std::tuple(0, 1000, 1));
  CHECK(order.back() == std::tuple(1, 1000, 1));
  REQUIRE(schedule.left_out.size() == 1);
  CHECK(schedule.left_out[0] ==
        "all but a and b at 1000 connections: in this profile it would take too long");

  const Schedule too_few = make_schedule(experiment(), with_long_point, {server("a")}, 1, 1000);
  CHECK(too_few.slots.size() == 2 * 2);
  REQUIRE(too_few.left_out.size() == 1);
  CHECK(too_few.left_out[0] == "a at 1000 connections: the limit of descriptors is 1000 (ulimit -n)");
}

TEST_CASE("scenarios are scheduled like servers, and need nothing of them") {
  const std::vector<Subject> subjects{Subject::of(harness::Scenario{.name = "one", .message_bytes = 40}),
                                      Subject::of(harness::Scenario{.name = "two"})};
  CHECK(subjects[0].message_bytes == 40);
  CHECK_FALSE(subjects[0].server);
  const Schedule schedule =
      make_schedule(experiment({"silent-client-stops-no-one"}), scale({1, 3000}, 2), subjects, 1, plenty);
  CHECK(schedule.left_out.empty());
  CHECK(schedule.slots.size() == 2 * 2 * 2);
}

TEST_CASE("the scenarios of an experiment have names of their own, which no server of the labs has") {
  std::set<std::string> servers;
  for (const auto& known : harness::read_known_servers(harness::program_folder() + "/../bin/servers.csv"))
    servers.insert(known.name);
  REQUIRE_FALSE(servers.empty());
  for (const Experiment& each : harness::experiments()) {
    CAPTURE(each.name);
    std::set<std::string> names;
    for (const harness::Scenario& scenario : each.scenarios) {
      CHECK(names.insert(scenario.name).second);
      CHECK_FALSE(servers.contains(scenario.name));
      CHECK(scenario.message_bytes > 0);
    }
  }
}

TEST_CASE("the experiments have names of their own, points in ascending order, and need what is known") {
  const std::set<std::string> behaviours{"silent-client-stops-no-one", "more-than-1024", "idle-costs-no-cpu"};
  std::set<std::string> names;
  for (const Experiment& each : harness::experiments()) {
    CAPTURE(each.name);
    CHECK(names.insert(each.name).second);
    CHECK_FALSE(each.description.empty());
    CHECK(bool(each.conduct != nullptr));  // doctest can't print a function
    for (const std::string& need : each.needs) CHECK(behaviours.contains(need));
    for (const Scale* profile : {&each.quick, &each.full}) {
      REQUIRE_FALSE(profile->connections.empty());
      CHECK(std::is_sorted(profile->connections.begin(), profile->connections.end()));
      CHECK(profile->connections.front() >= each.active.value_or(1));
      CHECK(profile->repetitions >= 1);
    }
    CHECK(each.full.repetitions >= each.quick.repetitions);
  }
}
