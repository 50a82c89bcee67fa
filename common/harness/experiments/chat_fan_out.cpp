#include "common/harness/experiments/chat_fan_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <thread>

#include "common/harness/load/latency_sample.h"
#include "common/harness/measuring/open_loop_figures.h"
#include "common/harness/measuring/percentile.h"
#include "common/harness/measuring/socket_memory.h"
#include "common/harness/measuring/span.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/strace.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t one_silent_in = 100;
constexpr double most_lines_per_s = 1000;    // the speaker is punctual then
constexpr double deliveries_per_s = 60'000;  // a fraction of what a core delivers, whatever the room's size
constexpr auto patience = 4s;
constexpr std::size_t small_room = 100;  // which is filled in no time, under strace and twice, too
constexpr std::size_t traced_marks = 20;
constexpr int tries = 2;

double microseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

// 0 of none.
double middle_of(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

AudiencePlan plan_of(const Run& plan, const net::Address& room) {
  const std::size_t silent = std::max<std::size_t>(1, plan.connections / one_silent_in);
  return {
      .room = room, .readers = plan.connections - silent, .silent = silent, .line_bytes = plan.message_bytes};
}

// Listeners are numbered from 1.
bool came_to_a_reader(const Delivery& delivery, std::size_t readers) {
  return delivery.listener >= 1 && delivery.listener <= readers;
}

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

// Three lines, the last without an end: what it costs is added by who counts it.
std::string in_words(const Run& run) {
  const FanOutFigures& figures = *run.fan_out;
  std::string words =
      fmt::format("{}, {} listeners: heard after {:.2f} ms (first) to {:.2f} ms (last)\n", run.server,
                  run.connections, figures.first_us / 1000, figures.last_us / 1000);
  words += fmt::format("  who doesn't read: {} whole, {} torn, told of {}, not told of {}{}\n",
                       figures.silent_whole, figures.silent_torn, figures.silent_told, figures.silent_untold,
                       figures.silent_cut_off > 0 ? ", cut off" : "");
  words += fmt::format("  CPU {:.1f} µs a delivery", run.server_cpu_us_per_request.value_or(0));
  if (figures.growth_bytes)
    words += fmt::format(", memory {:+.2f} MB", static_cast<double>(*figures.growth_bytes) / 1e6);
  return words;
}

// A room, and all that was measured of it.
class Evening {
 public:
  Evening(const Run& plan, const Target& room, const Conditions& conditions)
      : conditions_(conditions),
        room_(room, conditions.interruption, {.core = conditions.cores.server}),
        plan_(plan_of(plan, room_.address())),
        audience_(plan_, conditions.interruption),
        run_(plan) {
    run_.duration_s = std::chrono::duration<double>(conditions.scale.duration).count();
  }

  Outcome pass() {
    if (!audience_.enter(patience)) return lost();
    const std::size_t listeners = plan_.readers + plan_.silent;
    const OfferedRate rate{.per_s =
                               std::min(most_lines_per_s, deliveries_per_s / static_cast<double>(listeners))};
    ServerProcess* const process = room_.process();
    const std::int64_t resident = process == nullptr ? 0 : memory_usage(process->pid()).resident_bytes;
    const auto circumstances =
        Circumstances::of(room_, conditions_.cores, run_.cost, conditions_.scale.duration);
    const Snapshot before(process, circumstances.servers_cores);
    const Spoken spoken = audience_.speak(
        rate, conditions_.scale.duration, [this] { look(); }, patience);
    const Snapshot after(process, circumstances.servers_cores);
    run_.fan_out = fan_out_figures(spoken, plan_.readers, patience);
    if (run_.memory) run_.fan_out->growth_bytes = run_.memory->resident_bytes - resident;
    const OpenLoopResult result = deliveries_as_requests(spoken, plan_.readers);
    record(result, rate, before, after, circumstances);
    leave_out_what_few_lines_tell(run_, spoken.lines.size());
    Outcome outcome{.run = run_, .note = in_words(run_)};
    // Of a large room who heard what when would be a file of many megabytes.
    if (listeners > small_room)
      outcome.latency_ns = samples_of(result, bound_of(result, patience));
    else
      outcome.events = csv_of(spoken, plan_.readers);
    return outcome;
  }

 private:
  // Before the silent ones read.
  void look() {
    if (room_.process() == nullptr) return;
    run_.memory = memory_usage(room_.process()->pid());
    try {
      run_.socket_bytes = socket_memory_of_port(room_.address().port()).bytes;
    } catch (const net::SystemError&) {
      // No socket diagnostics here: an empty cell says "not measured".
    }
  }

  void record(const OpenLoopResult& result, const OfferedRate& rate, const Snapshot& before,
              const Snapshot& after, const Circumstances& circumstances) {
    fill_in_open_loop(run_, result, patience);
    run_.open_loop->arrivals = name_of(rate.arrivals);
    const OpenLoopSuspicion suspicion{.lateness_share = share(lateness_p99(result), rate.interval()),
                                      .held_back_share = share_held_back(result)};
    fill_in_span(run_, before, after, circumstances, result, suspicion);
    count_losses();
  }

  void count_losses() {
    const Failures failures = audience_.failures();
    run_.errors = failures.errors;
    run_.timeouts = failures.timeouts;
    run_.corrupt = failures.corrupt;
    invalidate_what_lost_clients(run_);
    audience_.leave();
  }

  // Not everybody came in.
  Outcome lost() {
    count_losses();
    return {.run = run_, .note = fmt::format("{}: {}", run_.server, run_.invalid_reason)};
  }

  const Conditions& conditions_;
  RunningTarget room_;
  AudiencePlan plan_;
  Audience audience_;
  Run run_;
};

// What the room does must be over before the record is looked at.
void wait_until_it_rests(const ServerProcess& room, const Interruption& interruption) {
  for (const auto deadline = std::chrono::steady_clock::now() + 2s;
       !rests(room.pid()) && std::chrono::steady_clock::now() < deadline;) {
    interruption.check();
    std::this_thread::sleep_for(1ms);
  }
}

double calls_per_delivery(const Run& plan, Target room, const Conditions& conditions) {
  if (room.running_at) throw NotCounted("its process isn't ours to look into");
  require_strace();
  const MemoryFile record("strace");
  room.command = under_strace(room.command, record);
  try {
    RunningTarget traced(room, conditions.interruption, {.core = conditions.cores.server});
    AudiencePlan all_read = plan_of(plan, traced.address());
    all_read.readers += std::exchange(all_read.silent, 0);
    Audience audience(all_read, conditions.interruption);
    const bool all_came = audience.enter(patience);
    wait_until_it_rests(*traced.process(), conditions.interruption);
    const std::size_t before = record.contents().size();
    const std::uint64_t deliveries_before = audience.deliveries();
    if (!all_came || !audience.speak_in_step(traced_marks, patience))
      throw NotCounted("lines were not heard while strace counted");
    wait_until_it_rests(*traced.process(), conditions.interruption);
    const auto calls = count_traced_calls(record.contents(), before);
    const std::uint64_t deliveries = audience.deliveries() - deliveries_before;
    audience.leave();
    if (calls == 0 || deliveries == 0) throw NotCounted("strace counted nothing");
    return static_cast<double>(calls) / static_cast<double>(deliveries);
  } catch (const ServerError& error) {
    throw NotCounted(error.what());
  }
}

}  // namespace

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

std::uint64_t count_traced_calls(const std::string& record, std::size_t from) {
  std::istringstream lines(record.substr(std::min(from, record.size())));
  std::uint64_t calls = 0;
  for (std::string line; std::getline(lines, line);) {
    // "PID name(…" begins a call; "PID <... name resumed>" ends one that was counted, "PID ---" is a signal.
    const std::size_t word = line.find_first_not_of(' ', line.find(' '));
    if (word != std::string::npos && line.find('(', word) != std::string::npos && line[word] != '<' &&
        line[word] != '-')
      ++calls;
  }
  return calls;
}

Outcome conduct_chat_fan_out(const Run& plan, const Subject& subject, const Conditions& conditions) {
  Outcome outcome;
  for (int left = plan.connections > small_room ? 1 : tries; left > 0; --left) {
    outcome = Evening(plan, *subject.server, conditions).pass();
    if (!may_be_valid_next_time(outcome.run, conditions.cores)) break;
  }
  if (plan.connections > small_room || outcome.run.lost() > 0) return outcome;
  try {
    outcome.run.server_system_calls_per_request = calls_per_delivery(plan, *subject.server, conditions);
    outcome.note +=
        fmt::format(", {:.2f} system calls a delivery", *outcome.run.server_system_calls_per_request);
  } catch (const NotCounted& reason) {
    outcome.note += fmt::format("\n  system calls not counted: {}", reason.what());
  }
  return outcome;
}

}  // namespace harness
