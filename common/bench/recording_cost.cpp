#include "common/bench/recording_cost.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>

#include "common/harness/measuring/environment.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/program.h"

namespace bench {

using namespace std::chrono_literals;

namespace {

constexpr double messages = 100'000;
constexpr int attempts = 4;

struct Speed {
  double by_cpu = 0;  // messages a second
  double by_clock = 0;
};

// What it said last, once it has ended well.
std::string last_line(harness::Program& program) {
  program.wait_for_success(10min);
  const auto lines = program.stdout_lines();
  return lines.empty() ? "" : lines.back();
}

// One run, to the reader's last byte.
Speed run(const std::string& programs, bool recorded, const harness::Interruption& interruption) {
  const std::string folder =
      std::filesystem::temp_directory_path() / fmt::format("recording-cost-{}", getpid());
  const auto words = [&](const char* program, const std::string& port, const std::string& name) {
    std::vector<std::string> all{programs + "/" + program, "--port", port};
    if (recorded) all.insert(all.end(), {"--record", fmt::format("{}-{}.csv", folder, name)});
    return all;
  };
  auto reader_words = words("slow-reader", "0", "reader");
  reader_words.insert(reader_words.end(), {"--sleep-us", "0"});
  const auto begin = std::chrono::steady_clock::now();
  harness::Program reader(reader_words, {}, interruption);
  const std::string port = std::to_string(reader.wait_until_listening().port());
  harness::Program writer(words("fast-writer", port, "writer"), {}, interruption);
  const std::string sent = last_line(writer);
  const std::string received = last_line(reader);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const std::chrono::duration<double> cpu = reader.cpu_time() + writer.cpu_time();
  for (const char* name : {"reader", "writer"})
    std::filesystem::remove(fmt::format("{}-{}.csv", folder, name));
  if (!sent.starts_with("sent 100000 ") || received.substr(received.find(' ')) != sent.substr(4)) {
    throw std::runtime_error(fmt::format("'{}' and '{}' do not agree", sent, received));
  }
  return {.by_cpu = messages / cpu.count(), .by_clock = messages / took.count()};
}

struct Pair {
  Speed recorded;
  Speed unrecorded;
};

Pair run_pair(const std::string& programs, bool recorded_first, const harness::Interruption& interruption) {
  Pair pair;
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    interruption.check();
    const auto stolen_before = harness::stolen_time();
    for (const bool recorded : {recorded_first, !recorded_first})
      (recorded ? pair.recorded : pair.unrecorded) = run(programs, recorded, interruption);
    if (harness::stolen_time() == stolen_before) break;
  }
  return pair;
}

}  // namespace

std::vector<Figure> recording_cost(const std::string& programs, std::size_t pairs,
                                   const harness::Cores& cores, harness::Progress& progress,
                                   const harness::Interruption& interruption) {
  harness::pin_to_core(*cores.generator);
  Figure by_cpu{.name = "slow-reader's pair, recorded / unrecorded", .unit = "ratio", .goal = Goal{0.90}};
  Figure by_clock{.name = "  by the clock", .unit = "ratio"};
  by_cpu.note = "100,000 messages of 64 bytes, messages a second of both ends' CPU time";
  for (std::size_t i = 0; i < pairs; ++i) {
    progress.step(by_cpu.name);
    const auto [recorded, unrecorded] = run_pair(programs, i % 2 == 0, interruption);
    by_cpu.samples.push_back(Sample::ratio(recorded.by_cpu, unrecorded.by_cpu));
    by_clock.samples.push_back(Sample::ratio(recorded.by_clock, unrecorded.by_clock));
  }
  return {by_cpu, by_clock};
}

}  // namespace bench
