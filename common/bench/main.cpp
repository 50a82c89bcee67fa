// bench: how fast the lab's servers and its load generator are, as ratios to public counterparts; and its
// codecs.
//
// Run:       make bench            or   build/bin/bench --pairs 40
// Look for:  the median of each ratio, how far its pairs lie apart, and the goal beside it. A goal that is
//            missed is reported, and is no failure: the exit code stays 0.
// How:       common/bench/pairs.h says how the runs are paired, and why.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "common/bench/client_cost.h"
#include "common/bench/decode_speed.h"
#include "common/bench/figure.h"
#include "common/bench/idle_memory.h"
#include "common/bench/pairs.h"
#include "common/bench/recording_cost.h"
#include "common/bench/report.h"
#include "common/bench/room_calls.h"
#include "common/bench/room_speaker.h"
#include "common/harness/commands.h"
#include "common/harness/comparing/resolution.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/progress.h"
#include "common/net/command_line.h"
#include "common/terminal/folded.h"

namespace {

using bench::Comparison;
using bench::Figure;
using bench::Goal;
using bench::Sample;
using bench::Server;

struct Options {
  std::int64_t pairs = 16;
  std::int64_t seed = 1;
  std::string results = "results";
  std::string only;
};

Server lab(const std::string& name) {
  return {.name = name, .command = {harness::program_folder() + "/" + name, "--port", "0"}};
}

// A server that stands beside the benchmark, in build/bench/.
Server counterpart(const std::string& program, const std::string& name) {
  return {.name = name, .command = {harness::program_folder() + "/../bench/" + program}};
}

Comparison of_rooms(const Server& subject, const Server& base, const Goal& goal) {
  return {subject, base, goal, bench::begin_room, true};
}

std::vector<Comparison> all_comparisons() {
  return {{lab("epoll"), counterpart("minimal-epoll", "minimal C epoll loop"), Goal{0.98}},
          {lab("epoll"), counterpart("libuv-echo", "libuv"), Goal{1.05}},
          {counterpart("minimal-epoll", "minimal C epoll loop"), counterpart("libuv-echo", "libuv")},
          {lab("poll"), lab("epoll"), Goal{0.95}},
          {lab("select"), lab("epoll")},
          {lab("thread-per-connection"), lab("epoll")},
          {lab("blocking-loop"), lab("epoll")},
          {lab("process-per-connection"), lab("epoll")},
          {lab("nonblocking-loop"), lab("epoll")},
          {lab("epoll-edge"), lab("epoll")},
          {lab("coroutines"), lab("epoll"), Goal{0.97}},
          {lab("coroutines"), counterpart("asio-echo", "asio coroutines"), Goal{1.25}},
          {lab("io-uring"), lab("epoll")},
          {lab("io-uring-skip-success"), lab("epoll"), Goal{1.08}},
          of_rooms(lab("chat-drop"), counterpart("minimal-room", "minimal C loop"), Goal{0.95}),
          of_rooms(lab("chat-io-uring"), lab("chat-drop"), Goal{1.3})};
}

// One server under two names: how far the ratio is from 1 is what this machine can't tell.
Comparison same_server() {
  Server again = lab("epoll");
  again.name += " again";
  return {again, lab("epoll"), Goal{.value = 1, .bound = Goal::Bound::within, .tolerance = 0.02}};
}

// What a reader may make of the ratios, by the one of `same_server`.
std::string what_can_be_told(const std::vector<Figure>& figures) {
  const auto found = std::find_if(figures.begin(), figures.end(),
                                  [](const Figure& figure) { return figure.name == same_server().name(); });
  if (found == figures.end()) return "";
  std::vector<double> ratios;
  for (const Sample& sample : found->samples) ratios.push_back(sample.value);
  const std::string told =
      "A/A: " + harness::in_words({.name = "requests a second of CPU", .verb = "serves"}, ratios);
  return terminal::folded(told, 0, "  ") + "\n";
}

bool is_built(const Server& server) { return access(server.command.front().c_str(), X_OK) == 0; }

std::vector<Figure> measure(const Options& options, const harness::Cores& cores,
                            const harness::Interruption& interruption) {
  const auto wanted = [&options](const std::string& name) {
    return name.find(options.only) != std::string::npos;
  };
  std::vector<Comparison> comparisons;
  std::vector<Figure> skipped;
  const bool has_descriptors = harness::raise_descriptor_limit() >= bench::room_descriptors;
  for (const Comparison& comparison : all_comparisons()) {
    if (!wanted(comparison.name())) continue;
    const bool both_built = is_built(comparison.base) && is_built(comparison.subject);
    const bool is_of_rooms = comparison.begin == bench::begin_room;
    if (both_built && (has_descriptors || !is_of_rooms)) {
      comparisons.push_back(comparison);
    } else {
      skipped.push_back(
          {.name = comparison.name(),
           .unit = "ratio",
           .goal = comparison.goal,
           .note = both_built
                       ? fmt::format("skipped: needs 'ulimit -n' of at least {}", bench::room_descriptors)
                       : "skipped: needs libuv1-dev, libasio-dev or liburing-dev (Debian's packages)"});
    }
  }
  // In the same random order as those that it is the measure for.
  if (!comparisons.empty() || wanted(same_server().name())) comparisons.push_back(same_server());
  const bool calls = wanted(bench::room_calls_name(lab("chat-io-uring"))) && is_built(lab("chat-io-uring")) &&
                     has_descriptors;
  const bool clients = wanted("client");
  const bool memory = wanted("memory");
  const bool decoding = wanted("decode");
  const bool recording = wanted("recording");
  const auto pairs = static_cast<std::size_t>(options.pairs);
  harness::Progress progress("bench", (comparisons.size() + (clients ? 1 : 0) + (recording ? 1 : 0)) * pairs +
                                          (calls ? bench::room_calls_repetitions : 0) +
                                          (memory ? bench::memory_repetitions : 0) +
                                          (decoding ? bench::decode_repetitions : 0));
  const bench::PairPlan plan{
      .pairs = pairs, .seed = static_cast<std::uint64_t>(options.seed), .core = *cores.generator};
  std::vector<Figure> figures = bench::run_pairs(comparisons, plan, progress, interruption);
  std::move(skipped.begin(), skipped.end(), std::back_inserter(figures));
  if (calls) {
    figures.push_back(bench::room_calls(lab("chat-io-uring"), {.value = 0.02, .bound = Goal::Bound::at_most},
                                        plan.core, progress, interruption));
  }
  if (clients) {
    auto more = bench::compare_clients(lab("epoll"), pairs, cores, progress, interruption);
    std::move(more.begin(), more.end(), std::back_inserter(figures));
  }
  if (memory) {
    figures.push_back(bench::idle_memory(lab("epoll"), 10'000, {.value = 64, .bound = Goal::Bound::at_most},
                                         cores, progress, interruption));
  }
  if (decoding) {
    auto more = bench::decode_speed(plan.seed, progress, interruption);
    std::move(more.begin(), more.end(), std::back_inserter(figures));
  }
  if (recording) {
    auto more = bench::recording_cost(harness::program_folder(), pairs, cores, progress, interruption);
    std::move(more.begin(), more.end(), std::back_inserter(figures));
  }
  return figures;
}

int run(int argc, char** argv) {
  Options options;
  net::CommandLine line("bench",
                        "Compares the lab's servers and its load generator with public counterparts.");
  line.number("--pairs", options.pairs, 1, 10'000, "pairs of runs for each ratio");
  line.number("--seed", options.seed, 0, INT64_MAX, "the same seed gives the same order of runs");
  line.text("--results", options.results, "the folder of all records");
  line.text("--only", options.only,
            "only figures with this in their name; also: client, memory, decode, recording");
  line.parse(argc, argv);

  const harness::Build build = harness::measurable_build();
  const harness::Interruption interruption;
  const harness::Cores cores = harness::Cores::choose();
  const std::string environment = harness::environment_json(
      build, harness::facts_of(cores, "bench", static_cast<std::uint64_t>(options.seed), {}));
  const std::vector<Figure> figures = measure(options, cores, interruption);
  if (figures.empty()) throw harness::BadUse(fmt::format("no figure has '{}' in its name", options.only));
  const std::string folder = options.results + "/bench";
  bench::write_records(folder, figures, environment);
  fmt::print(
      "servers: requests a second of CPU time, 50 connections, 14-byte messages,\n"
      "  both ends on one core\n"
      "chat rooms: lines delivered a second of CPU time, 1,000 listeners, 64-byte\n"
      "  lines, both ends on one core\n"
      "decode: 10 MB of stream, a second of CPU time, one thread\n{}{}",
      bench::table(figures), what_can_be_told(figures));
  fmt::print("recorded in {}\n", folder);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const harness::BadUse& error) {
    net::CommandLine::fail("bench", error.what());
  } catch (const harness::Interrupted&) {
    return 130;  // as a shell reports an end by SIGINT
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 1;
  }
}
