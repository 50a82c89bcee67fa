#include "common/harness/experiments.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace harness {

using namespace std::chrono_literals;

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> all{
      {.name = "head-of-line",
       .description = "one client is silent for 2 s and then speaks, seven others speak: who waits for whom",
       .active = std::nullopt,
       .needs = {},
       .quick = {.connections = {8}, .repetitions = 1},
       .full = {.connections = {8}, .repetitions = 3}},
      {.name = "latency-vs-connections",
       .description = "latency of 8 speaking connections among ever more idle ones",
       .active = 8,
       .needs = {"silent-client-stops-no-one"},
       .quick = {.connections = {8, 100, 1000}, .repetitions = 3, .warm_up = 50ms, .duration = 300ms},
       .full = {.connections = {8, 30, 100, 300, 1000, 3000, 10'000},
                .repetitions = 5,
                .warm_up = 200ms,
                .duration = 500ms}},
      {.name = "memory-vs-connections",
       .description = "memory of idle connections, each kind of memory apart",
       .active = 0,
       .needs = {"silent-client-stops-no-one"},
       .quick = {.connections = {10, 100, 300, 1000}, .repetitions = 2},
       .full = {.connections = {10, 100, 300, 1000, 3000, 10'000}, .repetitions = 3}},
      {.name = "throughput-vs-connections",
       .description = "requests a second and the server's CPU for each, all connections speaking",
       .active = std::nullopt,
       .needs = {},
       .quick = {.connections = {1, 10, 100, 1000}, .repetitions = 3, .warm_up = 50ms, .duration = 300ms},
       .full = {.connections = {1, 3, 10, 30, 100, 300, 1000, 3000, 10'000},
                .repetitions = 3,
                .warm_up = 200ms,
                .duration = 500ms}},
  };
  return all;
}

namespace {

// What a server's expected *no* keeps it from; a foreign server is let in everywhere.
bool has(const Target& target, const std::string& behaviour) {
  if (!target.known) return true;
  const auto cell = target.known->expected.find(behaviour);
  return cell == target.known->expected.end() || cell->second;
}

// Why a server can't take part at all; empty if it can.
std::string lacks(const Experiment& experiment, const Target& target) {
  for (const std::string& behaviour : experiment.needs) {
    if (!has(target, behaviour)) return fmt::format("{}: by its nature not '{}'", target.name, behaviour);
  }
  return "";
}

// Fisher and Yates, written out: std::shuffle may give another order with another library.
void shuffle(std::vector<Slot>& slots, std::mt19937_64& random) {
  for (std::size_t i = slots.size(); i > 1; --i) std::swap(slots[i - 1], slots[random() % i]);
}

constexpr std::size_t reserved_descriptors = 50;  // what harness and server need besides the connections

}  // namespace

Schedule make_schedule(const Experiment& experiment, const Scale& scale, const std::vector<Target>& targets,
                       std::uint64_t seed, std::uint64_t descriptor_limit) {
  Schedule schedule;
  std::vector<Slot> points;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    if (const std::string reason = lacks(experiment, targets[t]); !reason.empty()) {
      schedule.left_out.push_back(reason);
      continue;
    }
    for (const std::size_t connections : scale.connections) {
      if (connections + reserved_descriptors > descriptor_limit) {
        schedule.left_out.push_back(
            fmt::format("{} at {} connections: the limit of descriptors is {} (ulimit -n)", targets[t].name,
                        connections, descriptor_limit));
      } else if (connections > 1000 && !has(targets[t], "more-than-1024")) {
        schedule.left_out.push_back(fmt::format("{} at {} connections: by its nature not 'more-than-1024'",
                                                targets[t].name, connections));
      } else {
        points.push_back({.target = t, .connections = connections, .repetition = 1});
      }
    }
  }
  std::mt19937_64 random(seed);
  for (int repetition = 1; repetition <= scale.repetitions; ++repetition) {
    shuffle(points, random);
    for (Slot slot : points) {
      slot.repetition = repetition;
      schedule.slots.push_back(slot);
    }
  }
  return schedule;
}

}  // namespace harness
