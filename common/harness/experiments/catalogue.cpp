#include "common/harness/experiments/catalogue.h"

#include <fmt/format.h>

#include "common/harness/experiments/byte_ribbon.h"
#include "common/harness/experiments/chat_fan_out.h"
#include "common/harness/experiments/head_of_line.h"
#include "common/harness/experiments/latency_vs_rate.h"
#include "common/harness/experiments/slow_reader.h"
#include "common/harness/experiments/stalled_server.h"
#include "common/harness/experiments/system_calls.h"
#include "common/harness/experiments/write_write_read.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

Outcome conduct_load(const Run& plan, const Subject& subject, const Conditions& conditions) {
  Measured measured = measure(*subject.server,
                              {.connections = plan.connections,
                               .active = plan.active,
                               .message_bytes = plan.message_bytes,
                               .warm_up = conditions.scale.warm_up,
                               .duration = conditions.scale.duration,
                               .cost = plan.cost},
                              conditions.cores, conditions.interruption);
  return {.run = std::move(measured.run), .latency_ns = std::move(measured.latency_ns)};
}

Outcome conduct_head_of_line(const Run&, const Subject& subject, const Conditions& conditions) {
  HeadOfLine result = run_head_of_line(*subject.server, conditions.cores, conditions.interruption);
  return {.run = std::move(result.run),
          .events = std::move(result.requests),
          .note = fmt::format("{}: longest wait {:.1f} ms", subject.name, result.longest_wait_ms)};
}

// The points of work-per-request: requests that block, server and generator on a core each; then requests
// that compute, on all cores. Both series begin with a request that costs nothing beside its bytes.
std::vector<RequestCost> waiting_and_computing(const std::vector<std::size_t>& wait_us,
                                               const std::vector<std::size_t>& work_us) {
  std::vector<RequestCost> costs;
  for (const std::size_t cost : wait_us) costs.push_back({.wait_us = cost});
  for (const std::size_t cost : work_us) costs.push_back({.work_us = cost, .on_all_cores = true});
  return costs;
}

}  // namespace

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> all{
      {.name = "head-of-line",
       .description = "one client is silent for 2 s and then speaks, seven others speak: who waits for whom",
       .conduct = conduct_head_of_line,
       .fixed_connections = true,
       .quick = {.connections = {8}, .repetitions = 1},
       .full = {.connections = {8}, .repetitions = 3}},
      {.name = "latency-vs-connections",
       .description = "latency of 8 speaking connections among ever more idle ones",
       .conduct = conduct_load,
       .active = 8,
       .needs = {"silent-client-stops-no-one"},
       .quick = {.connections = {8, 100, 1000}, .repetitions = 2, .warm_up = 30ms, .duration = 200ms},
       .full = {.connections = {8, 30, 100, 300, 1000, 3000, 10'000},
                .repetitions = 5,
                .warm_up = 200ms,
                .duration = 500ms}},
      {.name = "latency-vs-rate",
       .description = "latency at offered rates, from 10 % to 120 % of what the server can do (open loop)",
       .conduct = conduct_latency_vs_rate,
       .quick = {.connections = {20},
                 .costs = {{.work_us = 250}},
                 .capacity_percents = {10, 50, 90, 120},
                 .repetitions = 1,
                 .warm_up = 50ms,
                 .duration = 300ms,
                 .rounds = 1100},
       .full = {.connections = {20},
                .costs = {{.work_us = 250}},
                .capacity_percents = {10, 30, 50, 70, 80, 90, 100, 120},
                .repetitions = 3,
                .warm_up = 100ms,
                .duration = 500ms,
                .rounds = 5500}},
      {.name = "memory-vs-connections",
       .description = "memory of idle connections, each kind of memory apart",
       .conduct = conduct_load,
       .active = 0,
       .needs = {"silent-client-stops-no-one"},
       .quick = {.connections = {10, 100, 1000}, .repetitions = 2},
       .full = {.connections = {10, 100, 300, 1000, 3000, 10'000}, .repetitions = 3}},
      {.name = "throughput-vs-connections",
       .description = "requests a second and the server's CPU for each, all connections speaking",
       .conduct = conduct_load,
       .quick = {.connections = {1, 100, 1000}, .repetitions = 2, .warm_up = 30ms, .duration = 150ms},
       .full = {.connections = {1, 3, 10, 30, 100, 300, 1000, 3000, 10'000},
                .repetitions = 3,
                .warm_up = 200ms,
                .duration = 500ms}},
      {.name = "work-per-request",
       .description = "8 busy clients, and each request blocks or computes for a while: when epoll loses",
       .conduct = conduct_load,
       .needs = {"silent-client-stops-no-one", "idle-costs-no-cpu"},
       .quick = {.connections = {8},
                 .costs = waiting_and_computing({0, 20, 100, 500}, {0, 20, 100, 500}),
                 .repetitions = 2,
                 .warm_up = 20ms,
                 .duration = 80ms},
       .full = {.connections = {8},
                .costs = waiting_and_computing({0, 5, 20, 100, 500, 2000}, {0, 5, 20, 100, 500}),
                .repetitions = 3,
                .warm_up = 50ms,
                .duration = 250ms}},
      {.name = "system-calls",
       .description = "system calls (counted by strace, in a run of its own) and context switches a request",
       .conduct = conduct_system_calls,
       .quick = {.connections = {1, 20}, .repetitions = 1, .warm_up = 20ms, .duration = 150ms},
       .full = {.connections = {1, 20, 200}, .repetitions = 3, .warm_up = 100ms, .duration = 500ms}},
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
      {.name = "slow-reader",
       .description = "a fast writer and a slow reader: where the bytes wait, and when the writer does",
       .conduct = conduct_slow_reader,
       .scenarios = slow_reader_scenarios(),
       .quick = {.repetitions = 1, .rounds = 20'000},
       .full = {.repetitions = 3, .rounds = 50'000}},
      {.name = "stalled-server",
       .description = "epoll is halted for 200 ms under load: what a closed loop and an open one say of it",
       .conduct = conduct_stalled_server,
       .scenarios = stalled_server_scenarios(),
       .quick = {.connections = {4}, .repetitions = 1, .warm_up = 50ms, .duration = 1500ms},
       .full = {.connections = {4}, .repetitions = 3, .warm_up = 200ms, .duration = 1500ms}},
      // To fill a room takes half the square of its size in deliveries, each listener being told of all who
      // come after him: at 1000 that is two seconds, at 10,000 minutes.
      {.name = "chat-fan-out",
       .description = "a chat room's line to 10 to 10,000 listeners, of whom one in a hundred doesn't read",
       .conduct = conduct_chat_fan_out,
       .about_rooms = true,
       .message_bytes = 1000,  // the longest line that a room of lab 16 takes
       .loop = "open",
       .active = 1,
       .quick = {.connections = {10, 100},
                 .repetitions = 1,
                 .duration = 400ms,
                 .long_point = {.connections = 1000, .subjects = {"chat-drop"}}},
       .full = {.connections = {10, 30, 100, 300, 1000},
                .repetitions = 3,
                .duration = 1000ms,
                .long_point = {.connections = 10'000, .subjects = {"chat-drop", "chat-io-uring"}}}},
  };
  return all;
}

}  // namespace harness
