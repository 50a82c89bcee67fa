// The checks that ask who has to wait for whom.

#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <optional>
#include <thread>
#include <utility>

#include "common/harness/judging/behaviours.h"
#include "common/harness/judging/queues.h"
#include "common/harness/processes/process_usage.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

double megabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

// Four clients that speak in turn, ten times each, beside somebody who behaves badly.
Finding others_are_served(Trial& trial, const std::string& beside, const std::string& often_the_cause) {
  Clock::duration longest{};
  int replies = 0;
  Peers others;
  for (int i = 0; i < 4; ++i) others.push_back(trial.connect());
  for (int round = 0; round < 10; ++round) {
    for (Peer& other : others) {
      const auto start = Clock::now();
      other.say(line_bytes);
      trial.converse(other);
      require_well(other, fmt::format("another client's request {} of 40 beside {}", replies + 1, beside),
                   other.gone() ? "" : often_the_cause);
      longest = std::max(longest, Clock::now() - start);
      ++replies;
    }
  }
  return yes(fmt::format("40 of 40 replies beside {}, longest wait {:.1f} ms", beside,
                         std::chrono::duration<double, std::milli>(longest).count()));
}

}  // namespace

Finding replies_out_of_order(Trial& trial) {
  Peers clients = trial.open(8);
  require_well(clients, "a first line of each of 8 clients");
  // The last to connect speaks first.
  for (std::size_t i = clients.size(); i > 0; --i) {
    Peer& client = clients[i - 1];
    client.say(line_bytes);
    trial.converse(client);
    require_well(client, fmt::format("client {} of 8 spoke while those before it were silent", i),
                 client.gone() ? "" : "it reads from its clients in turn, and waits in each read (lab 03)");
  }
  return yes("8 clients spoke in the reverse order of connecting, each was answered before the next spoke");
}

Finding silent_client_stops_no_one(Trial& trial) {
  Peer silent = trial.first_client();
  Peer never_spoke = trial.connect();
  Peer in_mid_line = trial.connect();
  in_mid_line.say(7);
  trial.converse(in_mid_line, 100ms);
  return others_are_served(trial,
                           "a client that said a line, one that said nothing, and one that said half a line",
                           "a blocking read from one client in the thread that serves all (lab 03)");
}

Finding slow_reader_stops_no_one(Trial& trial) {
  Peer slow = trial.first_client();
  // Still is not full: what a window has too little room for, the kernel sends after 0.2 s, 0.4 s and so on
  // (the persist timer, RFC 1122 4.2.2.17), and a blocked send goes on once more. So replies count only if
  // the server has left the slow reader's connection alone meanwhile.
  for (std::uint64_t taken = 0;;) {
    taken += trial.flood(slow);
    const Queues before = queues_of(slow.fd());
    Finding served =
        others_are_served(trial,
                          fmt::format("a client that sent {:.1f} MB and reads nothing{}", megabytes(taken),
                                      slow.gone() ? " (it was cut off)" : ""),
                          "a blocking send to one client in the thread that serves all (lab 10)");
    if (slow.gone() || taken >= Trial::flood_limit || queues_of(slow.fd()) == before) return served;
  }
}

Finding slow_reader_memory_bounded(Trial& trial) {
  ServerProcess& process = trial.process();
  constexpr std::int64_t bound = 8 << 20;
  Peer slow = trial.first_client();
  const auto before = memory_usage(process.pid()).proportional_bytes;
  const std::uint64_t taken = trial.flood(slow);
  const auto growth = memory_usage(process.pid()).proportional_bytes - before;
  const std::string evidence = fmt::format(
      "{:.1f} MB sent to it and nothing read back{}: its memory grew by {} KiB (bound: {} KiB)",
      megabytes(taken), slow.gone() ? " until it cut the client off" : "", growth / 1024, bound / 1024);
  if (growth >= bound)
    say_no(evidence, "it reads on while replies wait to go out, and queues them without a bound (lab 10)");
  if (process.wait_for_end(0ms)) say_no(evidence);
  return yes(evidence);
}

namespace {

// A client that sends and reads without a pause in threads of its own, until it is destroyed.
class Flood {
 public:
  explicit Flood(const Peer& client) : fd_(client.fd()) {
    sender_ = std::thread([this] { send_on(); });
    reader_ = std::thread([this] { read_on(); });
  }
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;
  ~Flood() {
    over_ = true;
    sender_.join();
    reader_.join();
  }
  std::uint64_t came_back() const { return came_back_; }

 private:
  bool wait_for(short events) const {
    pollfd ready{.fd = fd_, .events = events, .revents = 0};
    return poll(&ready, 1, 50) > 0;
  }
  void send_on() {
    std::vector<char> block(256 * 1024);
    fill_known_bytes(block, 0, 0);
    while (!over_) {
      if (wait_for(POLLOUT) && send(fd_, block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
          !net::is_try_again(errno)) {
        return;  // the connection is gone: nothing of the flood comes back, and the check says so
      }
    }
  }
  void read_on() {
    std::vector<char> block(256 * 1024);
    while (!over_) {
      if (!wait_for(POLLIN)) continue;
      const ssize_t received = recv(fd_, block.data(), block.size(), MSG_DONTWAIT);
      if (received > 0) came_back_ += static_cast<std::uint64_t>(received);
      if (received == 0 || (received < 0 && !net::is_try_again(errno))) return;
    }
  }

  int fd_;
  std::atomic<bool> over_ = false;
  std::atomic<std::uint64_t> came_back_ = 0;
  std::thread sender_;
  std::thread reader_;
};

// A server that outruns the flood finds nothing left to read now and then, and comes to the others whatever
// its loop is like. So that the answer doesn't hang on who gets a core, the flood goes first.
void make_it_slower_than_the_flood(Trial& trial) {
  if (!trial.has_process()) return;
  constexpr int gives_way = 10;  // nice(1): about a tenth of what the flood gets
  errno = 0;                     // -1 is a priority, too (getpriority(2))
  const int ours = getpriority(PRIO_PROCESS, 0);
  if (ours == -1 && errno != 0) throw net::SystemError("getpriority");
  // Never above what it has: that would need a privilege. A server that has ended meanwhile is found by the
  // replies that don't come.
  const int lowest = 19;
  const auto group = static_cast<id_t>(trial.process().pid());
  if (setpriority(PRIO_PGRP, group, std::min(lowest, ours + gives_way)) < 0 && errno != ESRCH)
    throw net::SystemError("setpriority");
}

}  // namespace

Finding flood_stops_no_one(Trial& trial) {
  constexpr int rounds = 20;
  constexpr std::uint64_t under_way = 1 << 20;  // the flood, once so much of it has come back
  Peers others = trial.open(11);
  require_well(others, "a first line of each of 11 clients");
  Peer flooder = std::move(others.back());
  others.pop_back();
  make_it_slower_than_the_flood(trial);
  std::optional<Flood> flood(std::in_place, flooder);
  trial.wait_until([&flood] { return flood->came_back() >= under_way; });
  for (int round = 1; round <= rounds; ++round) {
    for (Peer& other : others) other.say(line_bytes);
    trial.converse(others);
    require_well(
        others,
        fmt::format("round {} beside a flood of one client, {:.1f} MB of which came back", round,
                    megabytes(flood->came_back())),
        "it stays with one client while there is anything to read, or serves the first that is ready "
        "only (lab 09)");
  }
  const std::uint64_t meanwhile = flood->came_back();
  flood.reset();
  flooder.reset();  // not in order, or by a reset, as it happens to have read all or not
  if (meanwhile == 0) say_no("a flood of one client: nothing of it came back, while 10 others were answered");
  return yes(
      fmt::format("10 clients with {} replies each beside a flood of one: {:.1f} MB of it came back "
                  "meanwhile, {:.2f} MB a reply to all ten",
                  rounds, megabytes(meanwhile), megabytes(meanwhile) / rounds));
}

}  // namespace harness
