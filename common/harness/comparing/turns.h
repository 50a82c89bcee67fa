#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/harness/processes/interruption.h"

namespace harness {

/// A server that takes turns with others: its name for the user, and how it is started.
struct Contender {
  std::string name;
  std::vector<std::string> command;
};

/// What each contender is asked to do, in a closed loop.
struct TurnsPlan {
  std::size_t connections = 50;  ///< of each contender, all open at once
  std::size_t active = 50;
  std::size_t message_bytes = 14;
  int core = 0;  ///< the one that all servers and the generator share
};

/// What the turns of one contender have cost.
struct TurnsCost {
  std::uint64_t replies = 0;
  std::chrono::nanoseconds server_cpu{0};
  std::chrono::nanoseconds generator_cpu{0};

  double server_us_a_request() const;
  double both_ends_us_a_request() const;
};

/// A server with its clients, which takes turns with others. While it isn't its turn, both are silent.
class TurnTaker {
 public:
  TurnTaker() = default;
  TurnTaker(const TurnTaker&) = delete;
  TurnTaker& operator=(const TurnTaker&) = delete;
  virtual ~TurnTaker() = default;

  /// Works for a short time, always the same.
  virtual void take_turn() = 0;
  /// Ends the clients. To be called once, after the last turn. Throws ServerError if one was not served
  /// right.
  virtual TurnsCost finish() = 0;
};

/// Starts a server and its clients, all on the plan's core. `interruption` must outlive what it returns.
/// Throws ServerError, Interrupted, net::SystemError.
using Begin = std::unique_ptr<TurnTaker> (*)(const Contender& contender, const TurnsPlan& plan,
                                             const Interruption& interruption);

/// An echo server, and clients that speak as the plan says.
std::unique_ptr<TurnTaker> begin_echo(const Contender& contender, const TurnsPlan& plan,
                                      const Interruption& interruption);

struct Turns {
  std::vector<TurnsCost> costs;  ///< in the order of the contenders
  double steal_share = 0;  ///< of all cores' time: what a hypervisor took away in the attempt that counts
  bool disturbed() const { return steal_share > 0; }
};

/// How often turns that a hypervisor has disturbed are taken, at most.
constexpr int turns_attempts = 4;
/// How long each contender speaks in all, warm-up aside.
constexpr std::chrono::milliseconds turns_length{250};
constexpr std::chrono::milliseconds turns_warm_up{50};

/// Begins with the contenders and lets them speak in short turns; `order` is the order of the first turns.
/// The calling thread has to run on the plan's core. Throws ServerError for one that doesn't start or that
/// loses a client, Interrupted, net::SystemError.
///
/// Why so:
///   - One core for servers and generator: with clients waiting it is never idle, so requests a second are
///     the inverse of the work for a request, whichever end is slower. On two cores the wake-ups between them
///     decide, and spread by tens of percent on a virtual machine.
///   - CPU time is what server or generator had the core: other programs' turns don't count. It is read
///     around each turn, and a server that computes in silence is halted (SIGSTOP) while others have theirs:
///     it pays for its own turns alone, and takes the core from nobody.
///   - Turns: the machine's speed drifts by more than servers differ, within a second when the neighbour of a
///     core comes and goes. All contenders are up at once and speak in turns (echo servers of 25 ms), A B C,
///     C B A, …: they see the same machine, and their ratios are free of the drift.
///   - Fresh servers: where a process's memory happens to lie is worth a percent or two. A server that lived
///     through all repetitions would carry its luck into every ratio, where no number of them shows it; fresh
///     ones make it part of the spread. A start costs some 10 ms.
///   - Turns from which a hypervisor took time away (steal in /proc/stat) are taken again.
Turns take_turns(const std::vector<Contender>& contenders, const std::vector<std::size_t>& order,
                 const TurnsPlan& plan, const Interruption& interruption, Begin begin = begin_echo);

}  // namespace harness
