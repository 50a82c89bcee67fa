// The checks that ask what is left when clients have left: work, memory, descriptors, processes.

#include <fmt/format.h>

#include <algorithm>

#include "common/harness/judging/behaviours.h"
#include "common/harness/processes/process_usage.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

// Makes clients leave, each in the next of these ways.
class Leaving {
 public:
  static constexpr std::size_t ways = 5;

  // They have all been served.
  void leave(Peers& peers, Trial& trial) {
    std::vector<Peer*> with_replies;
    for (Peer& peer : peers) {
      switch (next_++ % ways) {
        case 0:
          peer.close();
          break;  // in order
        case 1:
          peer.reset();
          break;
        case 2:  // half closed first
          peer.end();
          peer.proceed();
          peer.close();
          break;
        case 3:  // in the middle of a line
          peer.say(7);
          peer.proceed();
          peer.close();
          break;
        default:  // with replies that are not read
          peer.reads(false);
          peer.say(4096);
          with_replies.push_back(&peer);
          break;
      }
    }
    trial.converse(with_replies, 20ms);
    peers.clear();
  }

 private:
  std::size_t next_ = 0;
};

}  // namespace

Finding idle_costs_no_cpu(Trial& trial) {
  constexpr double bound = 0.25;
  constexpr std::size_t count = 20;
  trial.process();
  Leaving leaving;
  Peers gone = trial.open(2 * Leaving::ways);
  leaving.leave(gone, trial);
  Peers idle = trial.open(count);
  require_well(idle, fmt::format("{} new clients when {} had left", count, 2 * Leaving::ways));
  // One that read late: what was done so that it gets the rest is to be undone.
  trial.flood(idle.back());
  idle.back().reads(true);
  trial.converse_together(idle);
  const auto unserved = std::find_if(idle.begin(), idle.end(), [](const Peer& peer) { return !peer.well(); });
  if (unserved != idle.end()) {
    const std::string story =
        fmt::format("beside {} idle clients one read late: a client {}", count, unserved->story());
    if (trial.end_within(100ms)) say_no(story);
    say_not_applicable(story + " (see slow-reader-gets-everything)");
  }
  // One that has ended its direction and stays: whatever the server does about it, it is to rest afterwards.
  idle.front().end();
  idle.front().proceed();
  trial.pause(200ms);
  const double share = trial.wanted_cores(800ms);
  const std::string evidence = fmt::format(
      "{:.1f} % of a core wanted with {} idle clients, {} having left in {} ways (bound: {:.0f} %)",
      share * 100, count, 2 * Leaving::ways, Leaving::ways, bound * 100);
  if (share > bound) {
    say_no(evidence,
           "a loop that asks instead of waiting (lab 06), recv's 0 taken for \"nothing now\" (lab 11), or an "
           "interest in writing that is never taken back (lab 10)");
  }
  return yes(evidence);
}

namespace {

// What a server holds at a moment, over all its processes.
struct Holdings {
  std::int64_t descriptors = 0;
  std::int64_t processes = 0;
  std::int64_t threads = 0;
  std::int64_t resident_bytes = 0;
  std::int64_t virtual_bytes = 0;
};

Holdings holdings_of(pid_t root) {
  Holdings holdings;
  for (const pid_t pid : process_tree(root)) {
    holdings.descriptors += static_cast<std::int64_t>(open_descriptors(pid).size());
    ++holdings.processes;
  }
  const MemoryUsage memory = memory_usage(root);
  holdings.threads = memory.threads;
  holdings.resident_bytes = memory.resident_bytes;
  holdings.virtual_bytes = memory.virtual_bytes;
  return holdings;
}

// A leak goes on: it shows in both halves of the clients. What a runtime or an allocator keeps for the next
// ones shows once.
struct Bound {
  std::int64_t once = 0;         // and a half
  double for_each_client = 0.0;  // and a half

  bool exceeded(std::int64_t first, std::int64_t second, std::size_t clients) const {
    const double most = static_cast<double>(once) + for_each_client * static_cast<double>(clients);
    return static_cast<double>(first) > most && static_cast<double>(second) > most;
  }
};

// Once as few are left as there were, or patience is over.
Holdings settled(Trial& trial, const Holdings& before, std::chrono::milliseconds patience = 1000ms) {
  Holdings now;
  trial.wait_until(
      [&] {
        now = holdings_of(trial.process().pid());
        return now.descriptors <= before.descriptors && now.processes <= before.processes &&
               now.threads <= before.threads;
      },
      patience);
  return now;
}

// Whether most of the clients that left since then are still held. No more are needed to be sure: what is
// held may cost so much work that a thousand of them would take minutes.
bool most_are_held(Trial& trial, const Holdings& before, std::size_t left) {
  const auto most = static_cast<std::int64_t>(left / 2);
  const auto held = [&](const Holdings& now) { return now.descriptors - before.descriptors; };
  return held(holdings_of(trial.process().pid())) > most && held(settled(trial, before, 300ms)) > most;
}

// Waves of clients that come, say a line and leave. Returns how many; fewer when time is short (forking
// servers), or when most of them are held for good.
std::size_t come_and_leave(Trial& trial, Leaving& leaving, std::size_t clients,
                           std::chrono::milliseconds time) {
  constexpr std::size_t wave = 50;
  const auto deadline = std::chrono::steady_clock::now() + time;
  const Holdings before = holdings_of(trial.process().pid());
  std::size_t left = 0;
  while (left < clients && (left < 10 * wave || std::chrono::steady_clock::now() < deadline)) {
    Peers peers = trial.open(wave);
    require_well(peers, fmt::format("{} clients, when those before them had left", wave),
                 "a place in a table is never freed, or a descriptor never closed");
    leaving.leave(peers, trial);
    left += wave;
    if (left % (4 * wave) == 0 && most_are_held(trial, before, left)) break;
  }
  return left;
}

}  // namespace

Finding leaks_nothing(Trial& trial) {
  const pid_t pid = trial.process().pid();
  const Holdings fresh = holdings_of(pid);
  Leaving leaving;
  come_and_leave(trial, leaving, 200, 0ms);
  const Holdings start = settled(trial, fresh, 300ms);
  std::size_t clients = come_and_leave(trial, leaving, 2500, 1000ms);
  const Holdings middle = settled(trial, start);
  const std::size_t clients_of_a_half = come_and_leave(trial, leaving, clients, 60'000ms);
  const Holdings end = settled(trial, middle);
  clients += clients_of_a_half;
  struct Kind {
    const char* name;
    std::int64_t Holdings::*held;
    Bound bound;
    const char* often_the_cause;
  };
  const std::vector<Kind> kinds{
      {"descriptors",
       &Holdings::descriptors,
       {4, 0},
       "a connection that is over is not closed: shutdown alone frees nothing (lab 11)"},
      {"processes",
       &Holdings::processes,
       {4, 0},
       "children that never end, or are never waited for (lab 04)"},
      {"threads", &Holdings::threads, {4, 0}, "threads that never end"},
      // glibc reserves 64 MiB of address space for an arena, and makes up to eight of them for each core, as
      // threads happen to meet in malloc (mallopt(3)). A stack that is left is 8 MiB for each client.
      {"virtual bytes",
       &Holdings::virtual_bytes,
       {512 << 20, 16'384},
       "threads that are neither joined nor detached keep their stacks (lab 05)"},
      {"resident bytes",
       &Holdings::resident_bytes,
       {256 << 10, 160},
       "what is kept for a connection isn't freed when it is over"},
  };
  std::string evidence =
      fmt::format("{} clients came, spoke and left in {} ways, after the first 200:", clients, Leaving::ways);
  std::string cause;
  for (const Kind& kind : kinds) {
    const std::int64_t first = middle.*kind.held - start.*kind.held;
    const std::int64_t second = end.*kind.held - middle.*kind.held;
    evidence += fmt::format("{} {:+} {}", &kind == &kinds.front() ? "" : ",", first + second, kind.name);
    if (kind.bound.exceeded(first, second, clients_of_a_half) && cause.empty()) {
      cause = kind.often_the_cause;
      evidence += fmt::format(" (bound: {} and {:.0f} a client, in either half)", kind.bound.once,
                              kind.bound.for_each_client);
    }
  }
  if (!cause.empty()) say_no(evidence, cause);
  if (!trial.wait_until([pid] { return count_zombies(pid) == 0; }))
    evidence += fmt::format(", {} zombies (see leaves-no-zombies)", count_zombies(pid));
  return yes(evidence);
}

Finding leaves_no_zombies(Trial& trial) {
  const pid_t pid = trial.process().pid();
  constexpr std::size_t count = 50;
  const std::size_t before = trial.process().living_processes().size();
  {
    const Peers clients = trial.open(count);
    require_well(clients, fmt::format("a first line of each of {} clients", count));
  }
  // First those end whose clients have gone. A child that has just ended is a zombie until its parent wakes
  // up: only one that stays is a finding.
  trial.wait_until([&] { return trial.process().living_processes().size() <= before; });
  if (!trial.wait_until([pid] { return count_zombies(pid) == 0; })) {
    say_no(fmt::format("{} clients came and went: {} zombies stay", count, count_zombies(pid)),
           "fork without waitpid; and one SIGCHLD may stand for many exits (lab 04)");
  }
  return yes(fmt::format("{} clients came and went: 0 zombies", count));
}

}  // namespace harness
