#include "common/harness/experiments/write_write_read.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "common/harness/measuring/percentile.h"
#include "common/harness/processes/program.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

// Generous: a delayed ACK takes 40 ms (200 ms at the most).
constexpr auto patience_a_round = 500ms;

std::uint32_t nanoseconds_of(const std::string& line, std::size_t at) {
  double microseconds = 0;
  const char* const end = line.data() + line.size();
  const auto [after, error] = std::from_chars(line.data() + at, end, microseconds);
  if (error != std::errc() || std::string(after, end) != " us" || !(microseconds >= 0) ||
      microseconds * 1000 > std::numeric_limits<std::uint32_t>::max()) {
    throw std::runtime_error(fmt::format("'{}' does not end in a time such as '61 us'", line));
  }
  return static_cast<std::uint32_t>(std::lround(microseconds * 1000));
}

}  // namespace

std::vector<std::uint32_t> round_times(const std::vector<std::string>& lines, std::size_t rounds) {
  std::vector<std::uint32_t> times;
  for (const std::string& line : lines) {
    if (!line.starts_with("round ")) continue;
    const std::string expected = fmt::format("round {}: ", times.size() + 1);
    if (!line.starts_with(expected))
      throw std::runtime_error(fmt::format("'{}' where round {} should be", line, times.size() + 1));
    times.push_back(nanoseconds_of(line, expected.size()));
  }
  if (times.size() != rounds)
    throw std::runtime_error(fmt::format("{} rounds were told of, not {}", times.size(), rounds));
  return times;
}

Outcome conduct_write_write_read(const Run& plan, const Subject& scenario, const Conditions& conditions) {
  const std::size_t rounds = conditions.scale.rounds;
  std::vector<std::string> words{program_folder() + "/write-write-read", "--rounds", std::to_string(rounds)};
  if (scenario.name == "nodelay") words.emplace_back("--nodelay");
  const auto began = Clock::now();
  // Both cores: it is client and server, as when a reader starts it by hand.
  Program program(words, {*conditions.cores.server, *conditions.cores.generator}, conditions.interruption);
  program.wait_for_success(10s + rounds * patience_a_round);
  const std::chrono::duration<double> took = Clock::now() - began;

  Outcome outcome{.run = plan, .latency_ns = round_times(program.stdout_lines(), rounds)};
  std::vector<std::uint32_t> sorted = outcome.latency_ns;
  std::sort(sorted.begin(), sorted.end());
  Run& run = outcome.run;
  run.duration_s = took.count();
  run.requests = rounds;
  run.requests_per_s = static_cast<double>(rounds) / took.count();
  fill_in_latencies(run, latencies_of(std::span<const std::uint32_t>(sorted)));
  outcome.note = fmt::format("{}: median of {} rounds {:.3g} ms", scenario.name, rounds, *run.p50_us / 1000);
  return outcome;
}

}  // namespace harness
