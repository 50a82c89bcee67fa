#include "common/harness/measuring/open_loop_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include "common/harness/measuring/percentile.h"

namespace harness {

namespace {

double microseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

// The latency of every offered request from the time that `begin` gives, at the bound where there is no
// answer; sorted.
template <typename Begin>
std::vector<std::uint64_t> sorted_latencies(const OpenLoopResult& result, std::chrono::nanoseconds bound,
                                            const Begin& begin) {
  std::vector<std::uint64_t> latency_ns;
  latency_ns.reserve(result.requests.size());
  for (const OfferedRequest& request : result.requests) {
    const auto latency = request.answered ? *request.answered - begin(request) : bound;
    latency_ns.push_back(static_cast<std::uint64_t>(latency.count()));
  }
  std::sort(latency_ns.begin(), latency_ns.end());
  return latency_ns;
}

constexpr const char* csv_header = "intended_us,sent_us,answered_us\n";

}  // namespace

std::chrono::nanoseconds bound_of(const OpenLoopResult& result, std::chrono::nanoseconds request_timeout) {
  return std::max(request_timeout, result.elapsed);
}

void fill_in_open_loop(Run& run, const OpenLoopResult& result, std::chrono::nanoseconds request_timeout) {
  const auto answered = static_cast<std::uint64_t>(
      std::count_if(result.requests.begin(), result.requests.end(),
                    [](const OfferedRequest& request) { return request.answered.has_value(); }));
  run.loop = "open";
  run.requests = answered;
  OpenLoopFigures& figures = run.open_loop.emplace();
  figures.not_answered = result.requests.size() - answered;
  figures.offered_per_s = static_cast<double>(result.requests.size()) / run.duration_s;
  figures.achieved_per_s =
      static_cast<double>(result.replies_in_span) / std::chrono::duration<double>(result.span).count();
  if (result.requests.size() >= samples_needed(99))
    figures.lateness_p99_us = microseconds(lateness_p99(result));
  const auto bound = bound_of(result, request_timeout);
  const auto corrected = sorted_latencies(result, bound, [](const OfferedRequest& r) { return r.intended; });
  fill_in_latencies(run, latencies_of(std::span<const std::uint64_t>(corrected)));
  const auto uncorrected = sorted_latencies(result, bound, [](const OfferedRequest& r) { return *r.sent; });
  const Latencies latencies = latencies_of(std::span<const std::uint64_t>(uncorrected));
  figures.uncorrected_p50_us = latencies.p50_us;
  figures.uncorrected_p90_us = latencies.p90_us;
  figures.uncorrected_p99_us = latencies.p99_us;
  figures.uncorrected_p999_us = latencies.p999_us;
}

std::chrono::nanoseconds lateness_p99(const OpenLoopResult& result) {
  std::vector<std::uint64_t> lateness_ns;
  for (const OfferedRequest& request : result.requests)
    lateness_ns.push_back(static_cast<std::uint64_t>(request.late.count()));
  std::sort(lateness_ns.begin(), lateness_ns.end());
  return std::chrono::nanoseconds(percentile(std::span<const std::uint64_t>(lateness_ns), 99));
}

double share_held_back(const OpenLoopResult& result) {
  if (result.requests.empty()) return 0;
  const auto held_back =
      std::count_if(result.requests.begin(), result.requests.end(), [&result](const OfferedRequest& request) {
        return request.sent && *request.sent >= result.span && *request.sent - request.late < result.span;
      });
  // One may always fall over the edge.
  return static_cast<double>(std::max<std::ptrdiff_t>(held_back - 1, 0)) /
         static_cast<double>(result.requests.size());
}

std::string csv_of(const OpenLoopResult& result) {
  std::string csv = csv_header;
  const auto cell = [](const std::optional<std::chrono::nanoseconds>& time) {
    return time ? fmt::format("{:.1f}", microseconds(*time)) : "";
  };
  for (const OfferedRequest& request : result.requests) {
    fmt::format_to(std::back_inserter(csv), "{:.1f},{},{}\n", microseconds(request.intended),
                   cell(request.sent), cell(request.answered));
  }
  return csv;
}

std::string csv_of(const LoadResult& result) {
  std::string csv = csv_header;
  for (std::size_t i = 0; i < result.sent.size(); ++i) {
    const auto answered = result.sent[i] + std::chrono::nanoseconds(result.latency_ns[i]);
    fmt::format_to(std::back_inserter(csv), ",{:.1f},{:.1f}\n", microseconds(result.sent[i]),
                   microseconds(answered));
  }
  return csv;
}

}  // namespace harness
