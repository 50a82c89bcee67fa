#include "common/harness/experiments/fan_out_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "common/harness/load/latency_sample.h"
#include "common/harness/measuring/percentile.h"

namespace harness {

namespace {

double microseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

// 0 of none.
double middle_of(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

// Listeners are numbered from 1.
bool came_to_a_reader(const Delivery& delivery, std::size_t readers) {
  return delivery.listener >= 1 && delivery.listener <= readers;
}

}  // namespace

std::string csv_of(const Spoken& spoken, std::size_t readers) {
  std::string csv = "event,listener,line,time_us\n";
  const auto add = [&csv]<typename... Cells>(fmt::format_string<Cells...> row, Cells&&... cells) {
    fmt::format_to(std::back_inserter(csv), row, std::forward<Cells>(cells)...);
  };
  for (std::size_t i = 0; i < spoken.lines.size(); ++i) {
    add("intended,,{},{:.1f}\n", i + 1, microseconds(spoken.lines[i].intended));
    if (spoken.lines[i].sent) add("sent,,{},{:.1f}\n", i + 1, microseconds(*spoken.lines[i].sent));
  }
  for (std::size_t i = 1; i <= spoken.silent.size(); ++i)
    add("silent,{},,{:.1f}\n", readers + i, microseconds(spoken.all_read));
  for (const Delivery& delivery : spoken.heard)
    add("heard,{},{},{:.1f}\n", delivery.listener, delivery.line, microseconds(delivery.time));
  return csv;
}

FanOutFigures fan_out_figures(const Spoken& spoken, std::size_t readers, std::chrono::nanoseconds bound) {
  std::vector<std::vector<double>> of_line(spoken.lines.size());
  for (const Delivery& delivery : spoken.heard) {
    if (!came_to_a_reader(delivery, readers)) continue;
    const std::size_t line = delivery.line - 1;
    of_line[line].push_back(microseconds(delivery.time - spoken.lines[line].intended));
  }
  std::vector<double> first, median, last;
  for (std::vector<double>& latencies : of_line) {
    latencies.resize(std::max(latencies.size(), readers), microseconds(bound));
    std::sort(latencies.begin(), latencies.end());
    first.push_back(latencies.front());
    median.push_back(middle_of(latencies));
    last.push_back(latencies.back());
  }
  FanOutFigures figures{
      .first_us = middle_of(first), .median_us = middle_of(median), .last_us = middle_of(last)};
  for (const Findings& found : spoken.silent) {
    figures.silent_whole += found.whole;
    figures.silent_torn += found.torn;
    figures.silent_told += found.told;
    figures.silent_untold += found.untold;
    figures.silent_cut_off += found.cut_off ? 1 : 0;
  }
  return figures;
}

OpenLoopResult deliveries_as_requests(const Spoken& spoken, std::size_t readers) {
  OpenLoopResult result;
  for (const SaidLine& line : spoken.lines) {
    const OfferedRequest request{.intended = line.intended,
                                 .late = line.late,
                                 .sent = line.sent.value_or(line.intended),
                                 .answered = std::nullopt};
    result.requests.insert(result.requests.end(), readers, request);
  }
  for (const Delivery& delivery : spoken.heard) {
    if (!came_to_a_reader(delivery, readers)) continue;
    result.requests[(delivery.line - 1) * readers + delivery.listener - 1].answered = delivery.time;
    if (delivery.time <= spoken.length) ++result.replies_in_span;
  }
  result.speaking = 1;
  result.span = result.length = spoken.length;
  result.elapsed = spoken.elapsed;
  result.replies = spoken.deliveries;
  return result;
}

std::vector<std::uint32_t> samples_of(const OpenLoopResult& deliveries, std::chrono::nanoseconds bound) {
  std::vector<std::uint32_t> samples;
  samples.reserve(deliveries.requests.size());
  for (const OfferedRequest& delivery : deliveries.requests)
    samples.push_back(latency_sample(delivery.answered ? *delivery.answered - delivery.intended : bound));
  return samples;
}

void leave_out_what_few_lines_tell(Run& run, std::size_t lines) {
  const auto leave_out = [lines](double percent, std::optional<double>& figure) {
    if (lines < samples_needed(percent)) figure.reset();
  };
  leave_out(50, run.p50_us);
  leave_out(90, run.p90_us);
  leave_out(99, run.p99_us);
  leave_out(99.9, run.p999_us);
  OpenLoopFigures& figures = *run.open_loop;
  leave_out(50, figures.uncorrected_p50_us);
  leave_out(90, figures.uncorrected_p90_us);
  leave_out(99, figures.uncorrected_p99_us);
  leave_out(99.9, figures.uncorrected_p999_us);
  leave_out(99, figures.lateness_p99_us);
}

}  // namespace harness
