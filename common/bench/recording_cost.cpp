#include "common/bench/recording_cost.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "common/harness/measuring/environment.h"
#include "common/harness/processes/process_usage.h"
#include "common/net/system_error.h"

namespace bench {

namespace {

constexpr double messages = 100'000;
constexpr int attempts = 4;

struct Speed {
  double by_cpu = 0;  // messages a second
  double by_clock = 0;
};

// A program whose stdout is read line by line.
class Program {
 public:
  explicit Program(const std::string& command)
      : output_(popen(("exec " + command + " 2>/dev/null").c_str(), "re")), command_(command) {
    if (!output_) throw net::SystemError("popen");
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (output_ != nullptr) pclose(output_);
  }

  // Without its end; "" when there is none any more.
  std::string line() {
    std::array<char, 256> buffer{};
    if (std::fgets(buffer.data(), buffer.size(), output_) == nullptr) return "";
    std::string text(buffer.data());
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }

  // Waits for its end. Returns its last line.
  std::string finish() {
    std::string last;
    for (std::string next = line(); !next.empty(); next = line()) last = next;
    if (pclose(std::exchange(output_, nullptr)) != 0) throw std::runtime_error(command_ + " failed");
    return last;
  }

 private:
  FILE* output_;
  std::string command_;
};

std::chrono::duration<double> cpu_of_children() {
  rusage usage{};
  if (getrusage(RUSAGE_CHILDREN, &usage) < 0) throw net::SystemError("getrusage");
  const auto duration = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return duration(usage.ru_utime) + duration(usage.ru_stime);
}

// One run, to the reader's last byte.
Speed run(const std::string& programs, bool recorded) {
  const std::string folder =
      std::filesystem::temp_directory_path() / fmt::format("recording-cost-{}", getpid());
  const auto record = [&](const char* name) {
    return recorded ? fmt::format(" --record '{}-{}.csv'", folder, name) : std::string();
  };
  const auto cpu_before = cpu_of_children();
  const auto begin = std::chrono::steady_clock::now();
  Program reader(fmt::format("'{}/slow-reader' --port 0 --sleep-us 0{}", programs, record("reader")));
  const std::string announced = reader.line();
  Program writer(fmt::format("'{}/fast-writer' --port {}{}", programs,
                             announced.substr(announced.rfind(':') + 1), record("writer")));
  const std::string sent = writer.finish();
  const std::string received = reader.finish();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto cpu = cpu_of_children() - cpu_before;
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
      (recorded ? pair.recorded : pair.unrecorded) = run(programs, recorded);
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
