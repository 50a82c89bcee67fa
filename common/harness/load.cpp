#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "common/harness/commands.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/measuring/measurement.h"
#include "common/harness/measuring/percentile.h"
#include "common/terminal/folded.h"

namespace harness {

namespace {

// Five digits say all that a duration has to say.
std::string short_number(double value) { return fmt::format("{:.{}f}", value, value < 1000 ? 1 : 0); }

// Each line begins with what it is about, so that grep takes all of a reason or nothing.
void say_figures(const std::string& what, const Run& run) {
  const std::string begin = fmt::format("  {:<11}", what);
  const std::string figures = run.invalid_reason.empty() ? "valid" : "INVALID: " + run.invalid_reason;
  fmt::print("{}{}\n", begin, terminal::folded(figures, begin.size(), begin));
}

// "p50 12.5  p90 14.1": those that were told.
std::string in_words(const std::optional<double>& p50, const std::optional<double>& p90,
                     const std::optional<double>& p99, const std::optional<double>& p999) {
  std::string words;
  for (const auto& [name, value] :
       {std::pair("p50", p50), std::pair("p90", p90), std::pair("p99", p99), std::pair("p99.9", p999)}) {
    if (value) words += fmt::format("{}{} {}", words.empty() ? "" : "  ", name, short_number(*value));
  }
  return words;
}

// A request waits from its intended time on, whether it was sent then or not: the first line is what its user
// sees, the second what one sees who looks at the server alone.
void print_open_loop_latency(const Run& run, const OpenLoopFigures& figures) {
  fmt::print("  latency    from the intended send (corrected), max {} µs:\n", short_number(*run.max_us));
  if (!run.p50_us) return;
  fmt::print("             {} µs\n", in_words(run.p50_us, run.p90_us, run.p99_us, run.p999_us));
  fmt::print("             from the real send (uncorrected):\n");
  fmt::print("             {} µs\n", in_words(figures.uncorrected_p50_us, figures.uncorrected_p90_us,
                                              figures.uncorrected_p99_us, figures.uncorrected_p999_us));
}

// Which percentiles the run had too few requests for.
void print_what_is_not_told(const Run& run) {
  std::string missing;
  for (const auto& [name, percent, value] :
       {std::tuple("p50", 50.0, run.p50_us), std::tuple("p90", 90.0, run.p90_us),
        std::tuple("p99", 99.0, run.p99_us), std::tuple("p99.9", 99.9, run.p999_us)}) {
    if (!value)
      missing += fmt::format("{}{} ({})", missing.empty() ? "" : ", ", name, samples_needed(percent));
  }
  if (!missing.empty()) fmt::print("             too few requests for {}\n", missing);
}

// Less than that may be what was on its way at the span's end.
constexpr double worth_a_word = 0.05;

void print_rate(const OpenLoopFigures& figures) {
  fmt::print("  rate       offered {:.0f} a second ({}), achieved {:.0f}; {} not answered\n",
             figures.offered_per_s, figures.arrivals, figures.achieved_per_s, figures.not_answered);
  const double behind = 1 - figures.achieved_per_s / figures.offered_per_s;
  if (behind > worth_a_word)
    fmt::print("             behind: {:.0f} % had no reply when the span ended\n", behind * 100);
}

void print_latency(const Run& run) {
  if (!run.max_us) return;
  if (run.open_loop) {
    print_open_loop_latency(run, *run.open_loop);
  } else {
    const std::string told = in_words(run.p50_us, run.p90_us, run.p99_us, run.p999_us);
    fmt::print("  latency    {}{}max {} µs\n", told, told.empty() ? "" : "  ", short_number(*run.max_us));
  }
  print_what_is_not_told(run);
}

void print_server_cost(const Run& run) {
  if (!run.server_cpu_share) return;
  fmt::print("  server     {:.0f} % of a core, {:.1f} µs of CPU a request\n", *run.server_cpu_share * 100,
             run.server_cpu_us_per_request.value_or(0));
  fmt::print("  switches   {} voluntary, {} involuntary\n", *run.server_voluntary_switches,
             *run.server_involuntary_switches);
}

void print_memory(const Run& run) {
  if (!run.memory) return;
  fmt::print("  memory     virtual {} KiB, resident {} KiB, proportional {} KiB\n",
             run.memory->virtual_bytes / 1024, run.memory->resident_bytes / 1024,
             run.memory->proportional_bytes / 1024);
  fmt::print("  kernel     page tables {} KiB, kernel stacks {} KiB, sockets {} KiB\n",
             run.memory->page_table_bytes / 1024, run.memory->kernel_stack_bytes / 1024,
             run.socket_bytes.value_or(0) / 1024);
  fmt::print("  slab       {:+} KiB, both ends\n", run.slab_both_ends_bytes.value_or(0) / 1024);
}

void print_load(const Run& run) {
  const auto speaking = run.speaking.value_or(run.active);
  fmt::print(
      "{}: {} connections, {} speaking\n", run.server, run.connections,
      speaking == run.active ? fmt::format("{}", speaking) : fmt::format("{} of {}", speaking, run.active));
  fmt::print("  requests   {:.0f} a second, {} in all, of {} bytes; {} loop, {} s\n",
             run.requests_per_s.value_or(0), run.requests.value_or(0), run.message_bytes, run.loop,
             run.duration_s);
  if (run.open_loop) print_rate(*run.open_loop);
  fmt::print("  failures   errors {}, timeouts {}, refused {}, corrupt {}\n", run.errors, run.timeouts,
             run.refused, run.corrupt);
  print_latency(run);
  print_server_cost(run);
  print_memory(run);
  fmt::print("  generator  {:.0f} % of a core, waited for it {:.1f} % of the time\n",
             run.generator_cpu_share.value_or(0) * 100, run.generator_run_delay_share.value_or(0) * 100);
  if (run.open_loop && run.open_loop->lateness_p99_us)
    fmt::print("             late by {:.1f} µs at its p99\n", *run.open_loop->lateness_p99_us);
  say_figures("figures", run);
}

// A run keeps all times of all requests, so that nothing can be hidden: that bounds how many it may have.
constexpr double most_requests = 5'000'000;

// Throws BadUse for a run that would have no request, or more than can be kept.
void require_bounded(const OfferedRate& rate, const LoadOptions& options) {
  if (const double requests = rate.per_s * options.duration_s; requests < 1 || requests > most_requests) {
    throw BadUse(fmt::format("--rate {} for {} s is {:.1f} requests: a run takes from 1 to {:.0f}",
                             options.rate, options.duration_s, requests, most_requests));
  }
}

}  // namespace

std::size_t parse_active(const std::string& text, std::size_t connections) {
  double value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  const bool percent = error == std::errc() && last - end == 1 && *end == '%';
  const bool whole = error == std::errc() && end == last && value == std::floor(value);
  const double count = percent ? static_cast<double>(connections) * value / 100 : value;
  if ((!percent && !whole) || !(count > 0) || count > static_cast<double>(connections)) {
    throw BadUse(fmt::format("--active takes a number from 1 to {} or a share above 0% up to 100%, not '{}'",
                             connections, text));
  }
  return std::max<std::size_t>(1, static_cast<std::size_t>(count));
}

std::optional<OfferedRate> parse_rate(const std::string& per_s, const std::string& arrivals) {
  if (per_s.empty() && arrivals.empty()) return std::nullopt;
  if (per_s.empty()) throw BadUse("--arrivals is for an open loop: give --rate N, too");
  OfferedRate rate;
  const char* const last = per_s.data() + per_s.size();
  const auto [end, error] = std::from_chars(per_s.data(), last, rate.per_s);
  if (error != std::errc() || end != last || !(rate.per_s >= 1 && rate.per_s <= 1'000'000)) {
    throw BadUse(
        fmt::format("--rate takes a number of requests a second from 1 to 1000000, not '{}'", per_s));
  }
  rate.arrivals = arrivals == name_of(Arrivals::poisson) ? Arrivals::poisson : Arrivals::fixed;
  return rate;
}

void require_descriptors(std::size_t connections, std::size_t servers) {
  const auto limit = raise_descriptor_limit();
  if (servers * connections + 50 <= limit) return;
  const std::string whose = servers == 1 ? "" : fmt::format(" to each of {} servers at once", servers);
  throw BadUse(fmt::format(
      "{} connections{} need more than the {} descriptors that are allowed: raise 'ulimit -n'{}", connections,
      whose, limit,
      servers == 1 ? "" : fmt::format(", or give --connections {} or fewer", (limit - 50) / servers)));
}

int load_command(const Target& target, const LoadOptions& options, const Interruption& interruption) {
  const Build build = measurable_build();
  const auto connections = static_cast<std::size_t>(options.connections);
  LoadPoint point{.connections = connections,
                  .active = parse_active(options.active, connections),
                  .message_bytes = static_cast<std::size_t>(options.message_bytes),
                  .warm_up = std::chrono::nanoseconds(static_cast<std::int64_t>(options.warm_up_s * 1e9)),
                  .duration = std::chrono::nanoseconds(static_cast<std::int64_t>(options.duration_s * 1e9))};
  point.rate = parse_rate(options.rate, options.arrivals);
  if (point.rate) require_bounded(*point.rate, options);
  require_descriptors(connections);
  const Cores cores = Cores::choose();
  Records records =
      Records::start(options.results, "load", environment_json(build, facts_of(cores, "load", 0, {})));
  pin_to_core(*cores.generator);
  for (int repetition = 1;; ++repetition) {
    Measured measured = measure(target, point, cores, interruption);
    Run& run = measured.run;
    run.experiment = "load";
    run.repetition = repetition;
    run.samples_file = point.rate ? records.add_text(file_name_for(run) + ".csv", measured.requests)
                                  : records.add_samples(file_name_for(run), measured.latency_ns);
    records.add(run);
    if (repetition < options.tries && may_be_valid_next_time(run, cores)) {
      say_figures("again", run);
      continue;
    }
    print_load(run);
    fmt::print("  recorded   {}\n", records.folder());
    return run.lost() > 0 || run.requests == 0U ? 1 : 0;
  }
}

}  // namespace harness
