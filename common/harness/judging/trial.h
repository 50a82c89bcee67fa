#pragma once

#include <poll.h>
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/harness/judging/finding.h"
#include "common/harness/judging/peer.h"
#include "common/harness/processes/core_demand.h"
#include "common/harness/processes/interruption.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/target.h"

namespace harness {

using Peers = std::vector<Peer>;

/// All of them, as the calls take them that speak to some; valid as long as `peers` is not resized.
std::vector<Peer*> pointers_to(Peers& peers);

/// Measures how long a process and its descendants have done nothing although they could have: time that they
/// spent waiting for a core doesn't count, so that a busy machine changes no answer. Without a process, as
/// for a server elsewhere, all time counts.
class Patience {
 public:
  Patience(std::optional<pid_t> process, std::chrono::milliseconds span);
  /// True once `span` has passed since the last renewal in which they could have run; after five times as
  /// much in any case.
  bool over();
  void renew();

 private:
  std::optional<pid_t> process_;
  std::chrono::nanoseconds span_;
  std::chrono::steady_clock::time_point since_;
  std::optional<CoreDemand> demand_;
};

/// One server on trial, and what the checks do to it alike. Where an answer becomes certain inside, Decided
/// is thrown; Interrupted when the user ends it.
class Trial {
 public:
  /// How long a server may do nothing before it is taken for silent.
  static constexpr std::chrono::milliseconds silence{2000};

  /// Starts the server. Throws ServerError, Interrupted.
  Trial(const Target& target, const Interruption& interruption);

  const Target& target() const { return target_; }
  const Interruption& interruption() const { return interruption_; }
  bool has_process() { return server_ && server_->process() != nullptr; }
  /// Its process. Not applicable for a server elsewhere.
  ServerProcess& process();
  /// Sends it a signal that is to end it, and waits for that. Returns how it ended; none: it runs on. Once
  /// told, an end is no surprise any more. A *no* if it has ended before.
  std::optional<std::string> tell_to_end(int signal);
  /// How it ended though nobody has told it to; none: it runs.
  std::optional<std::string> unexpected_end();
  /// The same, once it has ended or that patience is over.
  std::optional<std::string> end_within(std::chrono::milliseconds span);

  /// True while its process is here and nobody has told it to end.
  bool is_to_serve() { return has_process() && !told_to_end_; }
  /// Returns when it has seen that its clients have left: how it ended of that; none: it runs. A new client
  /// is answered then, and every thread rests.
  std::optional<std::string> end_after_departures();
  /// The same, for a new client of whatever protocol that has been answered, or hasn't. It must stay until
  /// this returns: an answer that comes too late for it would be a departure of its own, and a rude one.
  std::optional<std::string> end_once_it_rests(bool has_answered);

  const net::Address& address() const { return server_->address(); }

  /// A peer with a number of its own, connecting.
  Peer connect(int receive_buffer = 0);
  /// A peer that has said a line and got it back. Not applicable if that is the trial's first one and it
  /// doesn't come back: no check judges a server that has answered nothing in it.
  Peer first_client();
  /// `count` peers, each of which has said a line and got it back; never more than four that wait to be
  /// accepted. Ends at those that are not served: they are among the peers, and not well(). `companions` are
  /// there already, and speak along as in converse_together().
  Peers open(std::size_t count, int receive_buffer = 0, const std::vector<Peer*>& companions = {});

  /// Lets all peers do what they wish, until each is done, or nothing has moved for `patience` although the
  /// server could have run. True if all of them are well.
  bool converse(const std::vector<Peer*>& peers, std::chrono::milliseconds patience = silence);
  bool converse(Peers& peers, std::chrono::milliseconds patience = silence);
  bool converse(Peer& peer, std::chrono::milliseconds patience = silence);
  /// The same; but while nothing moves, those that have all that they wished for say another line. A server
  /// that reads from its clients in turn (lab 03) comes to the others only so, and that is not the question
  /// here.
  bool converse_together(const std::vector<Peer*>& peers);
  bool converse_together(Peers& peers);
  /// Lets clients do what they wish until `is_over()` is true or `patience` is over: what every conversation
  /// is made of, whatever the clients speak. A client has proceed(), interest() and fd(), as Peer explains.
  template <typename Client, typename Condition>
  void converse_until(const std::vector<Client*>& clients, Patience patience, Condition is_over) {
    // What the kernel still has to deliver is not the server's silence; but it can't be that for ever.
    int extensions = 5;
    std::vector<pollfd> waits;
    for (;;) {
      std::uint64_t moved = 0;
      waits.clear();
      for (Client* client : clients) {
        moved += client->proceed();
        if (const short interest = client->interest(); interest != 0)
          waits.push_back({.fd = client->fd(), .events = interest, .revents = 0});
      }
      if (is_over()) return;
      if (moved > 0) {
        patience.renew();
      } else if (patience.over()) {
        if (extensions-- == 0 || !wait_for_the_kernel(waits)) return;
        patience.renew();
      }
      wait_for_some(waits, moved > 0);
    }
  }
  Patience patience(std::chrono::milliseconds span);

  /// Sends without reading until nothing more is taken, at most `limit` bytes. Returns how many were.
  std::uint64_t flood(const std::vector<Peer*>& peers, std::uint64_t limit = flood_limit);
  std::uint64_t flood(Peer& peer, std::uint64_t limit = flood_limit) { return flood({&peer}, limit); }

  /// How many cores the server wants during `span`, or more if it waits for a core most of that
  /// (CoreDemand::cores).
  double wanted_cores(std::chrono::milliseconds span);

  /// Waits for that long, unless interrupted.
  void pause(std::chrono::milliseconds span) const;
  /// Asks until `condition()` is true, with the patience of converse(). Returns its last value.
  template <typename Condition>
  bool wait_until(Condition condition, std::chrono::milliseconds span = silence) {
    Patience left = patience(span);
    while (!condition()) {
      if (left.over()) return condition();
      pause(std::chrono::milliseconds(2));
    }
    return true;
  }

  /// Ends the trial's server if it still runs, and starts another. Throws ServerError.
  void start_again(const StartOptions& options);

  static constexpr std::uint64_t flood_limit = 64 << 20;

 private:
  // Returns when one of them is ready, or it is time to look again: at once if something has `moved`.
  void wait_for_some(std::vector<pollfd>& waits, bool moved) const;
  // True if one of these sockets waits for bytes that are under way in the kernel, or for room for its own.
  static bool wait_for_the_kernel(const std::vector<pollfd>& waits);

  const Target& target_;
  const Interruption& interruption_;
  std::optional<RunningTarget> server_;
  std::uint32_t connected_ = 0;
  friend class Halted;
  // A server that doesn't survive being halted can't be asked what halts it.
  void try_halting();

  bool halting_tried_ = false;
  bool told_to_end_ = false;
  bool reads_in_turn_ = false;  // it serves somebody only when others speak
};

/// A server's processes halted (SIGSTOP) while this object lives: what clients do meanwhile has all happened
/// before the server sees any of it. For a server elsewhere it does nothing.
class Halted {
 public:
  /// Returns once all are stopped. Not applicable for a server that has ended when it was halted for the
  /// first time, with nothing under way.
  explicit Halted(Trial& trial);
  Halted(const Halted&) = delete;
  Halted& operator=(const Halted&) = delete;
  ~Halted();

 private:
  std::vector<pid_t> processes_;
};

/// Ends the check with a *no* if a peer isn't well: what was done, and how it went for the peer, or for the
/// worst of them. Wrong bytes tell of their cause themselves; `often_the_cause` is for all other stories.
void require_well(const Peer& peer, const std::string& what_was_done,
                  const std::string& often_the_cause = {});
void require_well(const Peers& peers, const std::string& what_was_done,
                  const std::string& often_the_cause = {});

/// Tells the server to end by a signal, with whatever clients it has. Returns how it ended; ends the check
/// with a *no* unless that was in time, with exit 0, and nothing of it is left.
std::string require_clean_end(Trial& trial, int signal, const std::string& name);

}  // namespace harness
