#include "common/harness/experiments.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "common/harness/byte_ribbon.h"
#include "common/harness/head_of_line.h"
#include "common/harness/write_write_read.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

Outcome conduct_load(const Run& plan, const Subject& subject, const Conditions& conditions) {
  Measured measured = measure(*subject.server,
                              {.connections = plan.connections,
                               .active = plan.active,
                               .message_bytes = plan.message_bytes,
                               .warm_up = conditions.scale.warm_up,
                               .duration = conditions.scale.duration},
                              conditions.cores, conditions.interruption);
  return {.run = std::move(measured.run), .latency_ns = std::move(measured.latency_ns)};
}

Outcome conduct_head_of_line(const Run&, const Subject& subject, const Conditions& conditions) {
  HeadOfLine result = run_head_of_line(*subject.server, conditions.cores, conditions.interruption);
  return {.run = std::move(result.run),
          .events = std::move(result.requests),
          .note = fmt::format("{}: longest wait {:.1f} ms", subject.name, result.longest_wait_ms)};
}

}  // namespace

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> all{
      {.name = "head-of-line",
       .description = "one client is silent for 2 s and then speaks, seven others speak: who waits for whom",
       .conduct = conduct_head_of_line,
       .quick = {.connections = {8}, .repetitions = 1},
       .full = {.connections = {8}, .repetitions = 3}},
      {.name = "latency-vs-connections",
       .description = "latency of 8 speaking connections among ever more idle ones",
       .conduct = conduct_load,
       .active = 8,
       .needs = {"silent-client-stops-no-one"},
       .quick = {.connections = {8, 100, 1000}, .repetitions = 3, .warm_up = 50ms, .duration = 300ms},
       .full = {.connections = {8, 30, 100, 300, 1000, 3000, 10'000},
                .repetitions = 5,
                .warm_up = 200ms,
                .duration = 500ms}},
      {.name = "memory-vs-connections",
       .description = "memory of idle connections, each kind of memory apart",
       .conduct = conduct_load,
       .active = 0,
       .needs = {"silent-client-stops-no-one"},
       .quick = {.connections = {10, 100, 300, 1000}, .repetitions = 2},
       .full = {.connections = {10, 100, 300, 1000, 3000, 10'000}, .repetitions = 3}},
      {.name = "throughput-vs-connections",
       .description = "requests a second and the server's CPU for each, all connections speaking",
       .conduct = conduct_load,
       .quick = {.connections = {1, 10, 100, 1000}, .repetitions = 3, .warm_up = 50ms, .duration = 300ms},
       .full = {.connections = {1, 3, 10, 30, 100, 300, 1000, 3000, 10'000},
                .repetitions = 3,
                .warm_up = 200ms,
                .duration = 500ms}},
      {.name = "byte-ribbon",
       .description =
           "what the client's sends and the server's reads make of the messages: sticky, split, framed",
       .conduct = conduct_byte_ribbon,
       .scenarios = byte_ribbon_scenarios(),
       .quick = {.repetitions = 1},
       .full = {.repetitions = 1}},
      {.name = "write-write-read",
       .description =
           "two writes, then a read: Nagle's algorithm and delayed ACKs, with and without TCP_NODELAY",
       .conduct = conduct_write_write_read,
       .scenarios = {{.name = "nagle"}, {.name = "nodelay"}},
       .quick = {.repetitions = 1, .rounds = 100},
       .full = {.repetitions = 2, .rounds = 1000}},
  };
  return all;
}

namespace {

// What a server's expected *no* keeps it from; a foreign server is let in everywhere, and so is a scenario.
bool has(const Subject& subject, const std::string& behaviour) {
  if (!subject.server || !subject.server->known) return true;
  const auto& expected = subject.server->known->expected;
  const auto cell = expected.find(behaviour);
  return cell == expected.end() || cell->second;
}

// Why a server can't take part at all; empty if it can.
std::string lacks(const Experiment& experiment, const Subject& subject) {
  for (const std::string& behaviour : experiment.needs) {
    if (!has(subject, behaviour)) return fmt::format("{}: by its nature not '{}'", subject.name, behaviour);
  }
  return "";
}

// Fisher and Yates, written out: std::shuffle may give another order with another library.
void shuffle(std::vector<Slot>& slots, std::mt19937_64& random) {
  for (std::size_t i = slots.size(); i > 1; --i) std::swap(slots[i - 1], slots[random() % i]);
}

constexpr std::size_t reserved_descriptors = 50;  // what harness and server need besides the connections

}  // namespace

Schedule make_schedule(const Experiment& experiment, const Scale& scale, const std::vector<Subject>& subjects,
                       std::uint64_t seed, std::uint64_t descriptor_limit) {
  Schedule schedule;
  std::vector<Slot> points;
  for (std::size_t s = 0; s < subjects.size(); ++s) {
    if (const std::string reason = lacks(experiment, subjects[s]); !reason.empty()) {
      schedule.left_out.push_back(reason);
      continue;
    }
    for (const std::size_t connections : scale.connections) {
      if (connections + reserved_descriptors > descriptor_limit) {
        schedule.left_out.push_back(
            fmt::format("{} at {} connections: the limit of descriptors is {} (ulimit -n)", subjects[s].name,
                        connections, descriptor_limit));
      } else if (connections > 1000 && !has(subjects[s], "more-than-1024")) {
        schedule.left_out.push_back(fmt::format("{} at {} connections: by its nature not 'more-than-1024'",
                                                subjects[s].name, connections));
      } else {
        points.push_back({.subject = s, .connections = connections, .repetition = 1});
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
