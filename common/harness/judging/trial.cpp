#include "common/harness/judging/trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/harness/judging/queues.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto look_again = 50ms;  // while nothing moves

bool is_done(const Peer* peer) { return peer->done(); }
bool is_well(const Peer* peer) { return peer->well(); }

}  // namespace

std::vector<Peer*> pointers_to(Peers& peers) {
  std::vector<Peer*> all;
  for (Peer& peer : peers) all.push_back(&peer);
  return all;
}

// ---- Patience ----

Patience::Patience(std::optional<pid_t> process, std::chrono::milliseconds span)
    : process_(process), span_(span) {
  renew();
}

void Patience::renew() {
  since_ = Clock::now();
  demand_.reset();
}

bool Patience::over() {
  const auto passed = Clock::now() - since_;
  if (passed >= 5 * span_) return true;
  // Read late: while all goes well nobody needs it, and with a thousand threads it takes a while.
  if (passed < span_ / 2) return false;
  if (!demand_ && process_) demand_.emplace(*process_);
  if (passed < span_) return false;
  return passed - (demand_ ? demand_->waited() : 0ns) >= span_;
}

// ---- Trial ----

Trial::Trial(const Target& target, const Interruption& interruption)
    : target_(target), interruption_(interruption) {
  server_.emplace(target, interruption);
}

ServerProcess& Trial::process() {
  if (server_->process() == nullptr) say_not_applicable("needs the server's process");
  return *server_->process();
}

std::optional<std::string> Trial::unexpected_end() {
  return has_process() && !told_to_end_ ? process().wait_for_end(0ms) : std::nullopt;
}

std::optional<std::string> Trial::end_within(std::chrono::milliseconds span) {
  wait_until([this] { return unexpected_end().has_value(); }, span);
  return unexpected_end();
}

std::optional<std::string> Trial::tell_to_end(int signal) {
  if (const auto end = unexpected_end()) say_no("it had ended before it was told to");
  told_to_end_ = true;
  ServerProcess& server = process();
  server.send_signal(signal);
  wait_until([&server] { return server.wait_for_end(0ms).has_value(); });
  return server.wait_for_end(0ms);
}

std::optional<std::string> Trial::end_after_departures() {
  Peer another = connect();
  // Two lines: what was ready in a loop together with the first has been dealt with when the second is
  // answered.
  bool has_answered = true;
  for (int line = 1; line <= 2 && has_answered; ++line) {
    another.say(line_bytes);
    has_answered = converse(another);
  }
  return end_once_it_rests(has_answered);
}

std::optional<std::string> Trial::end_once_it_rests(bool has_answered) {
  // Another thread than the one that answered may not have come to run yet.
  wait_until([this] { return unexpected_end() || rests(process().pid()); }, 500ms);
  return end_within(has_answered ? 50ms : 500ms);  // an interpreter takes its time to end
}

void Trial::start_again(const StartOptions& options) {
  server_.reset();
  told_to_end_ = false;
  server_.emplace(target_, interruption_, options);
}

Peer Trial::connect(int receive_buffer) {
  return {server_->address(), connected_++ % 10'000, receive_buffer};
}

Peer Trial::first_client() {
  Peers peers = open(1);
  return std::move(peers.front());
}

Peers Trial::open(std::size_t count, int receive_buffer, const std::vector<Peer*>& companions) {
  constexpr std::size_t at_once = 4;  // the smallest backlog that is met is 5 (listen(2))
  const bool is_first = connected_ == 0;
  Peers peers;
  peers.reserve(count);  // pointers to them stay valid
  std::vector<Peer*> old = companions;
  while (peers.size() < count) {
    std::vector<Peer*> newest;
    while (newest.size() < at_once && peers.size() < count) {
      peers.push_back(connect(receive_buffer));
      peers.back().say(line_bytes);
      newest.push_back(&peers.back());
    }
    std::vector<Peer*> all = old;
    all.insert(all.end(), newest.begin(), newest.end());
    if (reads_in_turn_ || !converse(newest, 100ms)) converse_together(all);
    if (is_first && old.empty() && std::none_of(newest.begin(), newest.end(), is_well))
      say_not_applicable(
          fmt::format("it never answered a first line: the client {}", newest.front()->story()));
    if (!std::all_of(newest.begin(), newest.end(), is_done)) break;
    old = std::move(all);
  }
  return peers;
}

bool Trial::wait_for_the_kernel(const std::vector<pollfd>& waits) {
  return std::any_of(waits.begin(), waits.end(),
                     [](const pollfd& wait) { return is_under_way(queues_of(wait.fd)); });
}

void Trial::wait_for_some(std::vector<pollfd>& waits, bool moved) const {
  waits.push_back({.fd = interruption_.fd(), .events = POLLIN, .revents = 0});
  const auto timeout = moved ? 0ms : look_again;
  if (poll(waits.data(), waits.size(), static_cast<int>(timeout.count())) < 0 && errno != EINTR)
    throw net::SystemError("poll", errno);
  if (waits.back().revents != 0) interruption_.check();
}

Patience Trial::patience(std::chrono::milliseconds span) {
  return {has_process() ? std::optional(process().pid()) : std::nullopt, span};
}

bool Trial::converse(const std::vector<Peer*>& peers, std::chrono::milliseconds patience) {
  converse_until(peers, this->patience(patience),
                 [&peers] { return std::all_of(peers.begin(), peers.end(), is_done); });
  return std::all_of(peers.begin(), peers.end(), is_well);
}

bool Trial::converse(Peers& peers, std::chrono::milliseconds patience) {
  return converse(pointers_to(peers), patience);
}

bool Trial::converse(Peer& peer, std::chrono::milliseconds patience) { return converse({&peer}, patience); }

bool Trial::converse_together(const std::vector<Peer*>& peers) {
  if (!reads_in_turn_ && converse(peers, 100ms)) return true;
  const auto moved_by = [](const std::vector<Peer*>& some) {
    std::uint64_t bytes = 0;
    for (const Peer* peer : some) bytes += peer->sent() + peer->received();
    return bytes;
  };
  Patience patience = this->patience(silence);
  std::vector<Peer*> content;
  while (!std::all_of(peers.begin(), peers.end(), is_done) && !patience.over()) {
    content.clear();
    std::vector<Peer*> waiting;
    for (Peer* peer : peers) {
      if (peer->well() && !peer->gone()) {
        content.push_back(peer);
      } else if (!peer->done()) {
        waiting.push_back(peer);
      }
    }
    for (Peer* peer : content) peer->say(line_bytes);
    const std::uint64_t before = moved_by(waiting);
    converse_until(peers, this->patience(100ms), [&content] {
      return !content.empty() && std::all_of(content.begin(), content.end(), is_done);
    });
    if (moved_by(waiting) == before) continue;
    patience.renew();
    reads_in_turn_ = !content.empty();
  }
  converse(content);  // the last line that they were made to say is answered as well
  return std::all_of(peers.begin(), peers.end(), is_well);
}

bool Trial::converse_together(Peers& peers) { return converse_together(pointers_to(peers)); }

std::uint64_t Trial::flood(const std::vector<Peer*>& peers, std::uint64_t limit) {
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  for (Peer* peer : peers) {
    before += peer->sent();
    peer->reads(false);
    peer->say(limit);
  }
  converse(peers, 300ms);
  for (Peer* peer : peers) {
    peer->stop_saying();
    if (peer->sent() % line_bytes != 0)
      peer->say(line_bytes - peer->sent() % line_bytes);  // when there is room
    after += peer->sent();
  }
  return after - before;
}

double Trial::wanted_cores(std::chrono::milliseconds span) {
  const CoreDemand demand(process().pid());
  const auto start = Clock::now();
  // On a busy machine longer: until it could have run for half of the time, so that there is enough to
  // divide.
  do {
    pause(span);
  } while (Clock::now() - start - demand.waited() < span / 2 && Clock::now() - start < 5 * span);
  return demand.cores();
}

void Trial::pause(std::chrono::milliseconds span) const {
  pollfd interrupted{.fd = interruption_.fd(), .events = POLLIN, .revents = 0};
  if (poll(&interrupted, 1, static_cast<int>(span.count())) > 0) interruption_.check();
}

// ---- what peers tell ----

namespace {

[[noreturn]] void say_no_for(const Peer& peer, const std::string& evidence,
                             const std::string& often_the_cause) {
  const bool wrong = peer.state() == Peer::State::wrong;
  say_no(evidence, wrong ? peer.difference().often_the_cause : often_the_cause);
}

// One that got wrong bytes, or else the first that isn't well; null if all are well.
const Peer* worst_of(const Peers& peers) {
  const auto find = [&peers](auto condition) -> const Peer* {
    const auto found = std::find_if(peers.begin(), peers.end(), condition);
    return found == peers.end() ? nullptr : &*found;
  };
  const Peer* wrong = find([](const Peer& peer) { return peer.state() == Peer::State::wrong; });
  return wrong != nullptr ? wrong : find([](const Peer& peer) { return !peer.well(); });
}

}  // namespace

void require_well(const Peer& peer, const std::string& what_was_done, const std::string& often_the_cause) {
  if (!peer.well())
    say_no_for(peer, fmt::format("{}: the client {}", what_was_done, peer.story()), often_the_cause);
}

void require_well(const Peers& peers, const std::string& what_was_done, const std::string& often_the_cause) {
  const Peer* worst = worst_of(peers);
  if (worst == nullptr) return;
  const auto unwell =
      std::count_if(peers.begin(), peers.end(), [](const Peer& peer) { return !peer.well(); });
  const std::string which =
      peers.size() == 1 ? "the client" : fmt::format("{} of {} clients: one", unwell, peers.size());
  say_no_for(*worst, fmt::format("{}: {} {}", what_was_done, which, worst->story()), often_the_cause);
}

std::string require_clean_end(Trial& trial, int signal, const std::string& name) {
  const auto start = Clock::now();
  const auto end = trial.tell_to_end(signal);
  if (!end)
    say_no(fmt::format("{}: still runs after 2 s in which it could have ended", name),
           "a handler that sets a flag, and a wait that goes on; or a thread that nobody ends (lab 07)");
  if (*end != "exit 0") {
    const bool by_default = trial.process().ended_by(signal);
    say_no(fmt::format("{}: {}, instead of exit 0", name, *end),
           by_default ? "no handler: the signal's default ended it. Unix programs do so; the contract asks "
                        "for exit 0 (lab 15)"
                      : "");
  }
  std::size_t left = 0;
  trial.wait_until([&] { return (left = trial.process().living_processes().size()) == 0; }, 1000ms);
  if (left > 0)
    say_no(fmt::format("{}: exit 0, but {} of its processes are left", name, left),
           "children that nobody ends, or a server that went into the background (lab 04)");
  return fmt::format("{}: exit 0 after {} ms", name, (Clock::now() - start) / 1ms);
}

}  // namespace harness
