// The checks that ask what clients can do to the server's process, and what it costs.

#include <fmt/format.h>

#include <csignal>
#include <thread>

#include "common/harness/judging/behaviours.h"
#include "common/harness/load/client.h"
#include "common/harness/load/load_generator.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/processes/process_usage.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

const Finding needs_process{Answer::not_applicable, "needs the server's process"};

// The share of one core that the server computes during `span`.
double cpu_share(ServerProcess& process, Clock::duration span) {
  const auto cpu_before = cpu_time(process.pid());
  const auto before = Clock::now();
  std::this_thread::sleep_for(span);
  const auto cpu = cpu_time(process.pid()) - cpu_before;
  return std::chrono::duration<double>(cpu) / std::chrono::duration<double>(Clock::now() - before);
}

// One stop by one signal, with connections open: how it ended, and whether a child of it is left.
Finding stop_by(const Target& target, const Interruption& interruption, int signal, const std::string& name) {
  RunningTarget server(target, interruption);
  ServerProcess& process = *server.process();
  LoadGenerator clients({.server = server.address(), .connections = 10, .active = 10}, interruption);
  clients.open(2s);
  const auto start = Clock::now();
  process.send_signal(signal);
  const auto end = process.wait_for_end(2s);
  if (!end) return {Answer::no, fmt::format("{}: still runs after 2 s", name)};
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  // Its process group is empty when no child of it is left either.
  bool alone = false;
  for (int i = 0; i < 100 && !alone; ++i) {
    alone = count_living(process.pid()) == 0;
    if (!alone) std::this_thread::sleep_for(5ms);
  }
  return {*end == "exit 0" && alone ? Answer::yes : Answer::no,
          fmt::format("{}: {} after {} ms{}", name, *end, took.count(), alone ? "" : ", children are left")};
}

}  // namespace

Finding survives_resets(const Target& target, const Interruption& interruption) {
  RunningTarget server(target, interruption);
  for (int i = 0; i < 10; ++i) {
    Client(server.address()).reset();
    Client speaks(server.address());
    speaks.send_all(std::string("hello"));
    speaks.reset();
    Client reads_nothing(server.address());
    reads_nothing.flood(1 << 20, 5ms);
    reads_nothing.reset();
  }
  const bool echoes = Client(server.address()).exchange("hello", 3s);
  if (ServerProcess* process = server.process(); process != nullptr && !process->alive()) {
    return {Answer::no, fmt::format("ended ({}) {}", *process->wait_for_end(0ms), process->last_words())};
  }
  return {echoes ? Answer::yes : Answer::no,
          fmt::format("after 30 resets, before, during and after a request, it {}",
                      echoes ? "echoes" : "echoes no more")};
}

Finding survives_fd_exhaustion(const Target& target, const Interruption& interruption) {
  if (target.running_at) return needs_process;
  constexpr rlim_t limit = 64;
  constexpr std::size_t clients = 80;
  constexpr double spins = 0.5;
  if (raise_descriptor_limit() < 2 * clients) {
    return {Answer::not_applicable, fmt::format("needs 'ulimit -n' of at least {}", 2 * clients)};
  }
  RunningTarget server(target, interruption, std::nullopt, limit);
  ServerProcess& process = *server.process();
  std::string story;
  {
    LoadGenerator crowd({.server = server.address(), .connections = clients, .active = clients},
                        interruption);
    crowd.open(2s);
    const std::size_t served = crowd.living();
    story = fmt::format("{} descriptors: {} of {} clients served", limit, served, clients);
    if (served == clients) return {Answer::not_applicable, story + ": it needs no descriptor for each"};
    const Client one_more(server.address());
    const double share = cpu_share(process, 500ms);
    if (!process.alive())
      return {Answer::no, fmt::format("{}, then it ended: {}", story, *process.wait_for_end(0ms))};
    story +=
        fmt::format(", {} refused, {:.0f} % of a core while full", crowd.failures().refused, share * 100);
    if (share > spins) return {Answer::no, story + ": it spins"};
    crowd.speak(100ms);
    if (served == 0 || crowd.living() != served) {
      return {Answer::no, fmt::format("{}, {} of those served afterwards", story, crowd.living())};
    }
  }
  for (const auto deadline = Clock::now() + 5s; Clock::now() < deadline; std::this_thread::sleep_for(50ms)) {
    LoadGenerator newcomer({.server = server.address(), .connections = 1, .active = 1}, interruption);
    newcomer.open(1s);
    if (newcomer.living() == 1) return {Answer::yes, story + ", served a new one afterwards"};
  }
  const auto end = process.wait_for_end(0ms);
  return {Answer::no, fmt::format("{}, no new client served within 5 s afterwards{}", story,
                                  end ? fmt::format(": it ended ({}) {}", *end, process.last_words()) : "")};
}

Finding more_than_1024(const Target& target, const Interruption& interruption) {
  constexpr std::size_t clients = 1100;
  if (raise_descriptor_limit() < clients + 100) {
    return {Answer::not_applicable, fmt::format("needs 'ulimit -n' of at least {}", clients + 100)};
  }
  RunningTarget server(target, interruption);
  LoadGenerator crowd({.server = server.address(), .connections = clients, .active = clients}, interruption);
  crowd.open(10s);
  const std::size_t served = crowd.living();
  return {served == clients ? Answer::yes : Answer::no,
          fmt::format("{} of {} clients served at once", served, clients)};
}

Finding idle_costs_no_cpu(const Target& target, const Interruption& interruption) {
  RunningTarget server(target, interruption);
  if (server.process() == nullptr) return needs_process;
  constexpr std::size_t clients = 50;
  constexpr double bound = 0.02;
  LoadGenerator crowd({.server = server.address(), .connections = clients, .active = clients}, interruption);
  crowd.open(5s);
  if (crowd.living() != clients) return {Answer::no, "not even the first replies came"};
  std::this_thread::sleep_for(100ms);
  const double share = cpu_share(*server.process(), 500ms);
  return {share < bound ? Answer::yes : Answer::no,
          fmt::format("{:.1f} % of a core with {} idle clients (bound: {:.0f} %)", share * 100, clients,
                      bound * 100)};
}

Finding stops_cleanly(const Target& target, const Interruption& interruption) {
  if (target.running_at) return needs_process;
  const Finding terminate = stop_by(target, interruption, SIGTERM, "SIGTERM");
  const Finding interrupt = stop_by(target, interruption, SIGINT, "SIGINT");
  const bool both = terminate.answer == Answer::yes && interrupt.answer == Answer::yes;
  return {both ? Answer::yes : Answer::no, fmt::format("{}; {}", terminate.evidence, interrupt.evidence)};
}

Finding leaves_no_zombies(const Target& target, const Interruption& interruption) {
  RunningTarget server(target, interruption);
  if (server.process() == nullptr) return needs_process;
  {
    LoadGenerator clients({.server = server.address(), .connections = 50, .active = 50}, interruption);
    clients.open(5s);
  }
  // A child that has just ended is a zombie until its parent wakes up: only one that stays is a finding.
  int zombies = 0;
  for (int i = 0; i < 2; ++i) {
    std::this_thread::sleep_for(300ms);
    zombies = count_zombies(server.process()->pid());
    if (zombies == 0) break;
  }
  return {zombies == 0 ? Answer::yes : Answer::no,
          fmt::format("50 clients came and went: {} zombies", zombies)};
}

}  // namespace harness
