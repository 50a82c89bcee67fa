#include "common/harness/experiments/latency_vs_rate.h"

#include <fmt/format.h>

#include <algorithm>

namespace harness {

namespace {

// A machine that is so busy, or so slow, that its rates are tiny shall not be waited for without end.
constexpr double longest_span_s = 30;

LoadPoint closed_loop_of(const Run& plan, const Conditions& conditions) {
  return {.connections = plan.connections,
          .active = plan.active,
          .message_bytes = plan.message_bytes,
          .warm_up = conditions.scale.warm_up,
          .duration = conditions.scale.duration,
          .cost = plan.cost};
}

// The plan's share of the capacity, for as long as it takes to offer the scale's number of requests, if that
// isn't too long.
LoadPoint open_loop_of(const Run& plan, const Conditions& conditions, double capacity_per_s) {
  LoadPoint point = closed_loop_of(plan, conditions);
  const double per_s = capacity_per_s * *plan.capacity_percent / 100;
  point.rate = OfferedRate{
      .per_s = per_s, .arrivals = Arrivals::poisson, .seed = static_cast<std::uint64_t>(plan.repetition)};
  const double span_s = std::min(static_cast<double>(conditions.scale.rounds) / per_s, longest_span_s);
  point.duration =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(span_s));
  return point;
}

// The row of a server whose capacity nobody knows: it lost clients, or answered nothing.
Outcome without_capacity(const Run& plan, const Run& closed) {
  Run run = plan;
  run.errors = closed.errors;
  run.timeouts = closed.timeouts;
  run.refused = closed.refused;
  run.corrupt = closed.corrupt;
  run.invalid_reason = "its capacity could not be found: " + closed.invalid_reason;
  std::string note = fmt::format("{}: {}", run.server, run.invalid_reason);
  return {.run = std::move(run), .note = std::move(note)};
}

std::string in_words(const Run& run, int percent) {
  std::string words = fmt::format("{} at {} %, {:.0f} a second: ", run.server, percent,
                                  run.open_loop ? run.open_loop->offered_per_s : 0);
  if (!run.invalid_reason.empty()) return words + "void, " + run.invalid_reason;
  if (!run.p99_us) return words + "too few requests for a p99";
  return words + fmt::format("p50 {:.2f} ms, p99 {:.2f} ms", *run.p50_us / 1000, *run.p99_us / 1000);
}

}  // namespace

Outcome conduct_latency_vs_rate(const Run& plan, const Subject& subject, const Conditions& conditions) {
  const auto measure_again = [&](const LoadPoint& point) {
    return measure_until_valid(*subject.server, point, conditions.cores, conditions.interruption);
  };
  const Run closed = measure_again(closed_loop_of(plan, conditions)).run;
  const double capacity_per_s = closed.requests_per_s.value_or(0);
  if (closed.lost() > 0 || capacity_per_s <= 0) return without_capacity(plan, closed);
  Measured measured = measure_again(open_loop_of(plan, conditions, capacity_per_s));
  measured.run.capacity_per_s = capacity_per_s;
  if (measured.run.invalid_reason.empty() && !closed.invalid_reason.empty())
    measured.run.invalid_reason = "its capacity was found by an invalid run: " + closed.invalid_reason;
  std::string note = in_words(measured.run, *plan.capacity_percent);
  return {.run = std::move(measured.run), .events = std::move(measured.requests), .note = std::move(note)};
}

}  // namespace harness
