// The checks that take a server to a limit: of its accept queue, of its descriptors, of a table's size.

#include <fmt/format.h>

#include <algorithm>
#include <list>

#include "common/harness/judging/behaviours.h"
#include "common/harness/judging/limits.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

std::size_t count_served(const Peers& peers) {
  return static_cast<std::size_t>(
      std::count_if(peers.begin(), peers.end(), [](const Peer& peer) { return peer.well(); }));
}

}  // namespace

Finding takes_a_burst(Trial& trial) {
  constexpr std::size_t count = 300;
  need_descriptors(count + 50);
  trial.process();
  Peer first = trial.first_client();
  Peers clients;
  std::size_t queued = 0;
  {
    const Halted halted(trial);
    // A handshake needs no help of the server's: on loopback it is done before connect returns, unless the
    // queue of the listener is full. Then the SYN is dropped, and comes again after a second (listen(2),
    // tcp(7)).
    for (std::size_t i = 0; i < count; ++i) clients.push_back(trial.connect());
    for (Peer& client : clients) client.proceed();
    queued = static_cast<std::size_t>(std::count_if(
        clients.begin(), clients.end(), [](const Peer& peer) { return peer.state() == Peer::State::open; }));
  }
  if (queued < count) {
    say_no(
        fmt::format("{} clients arrived while it was halted: the queue of its listener took {}, the SYNs of "
                    "the others were dropped, to be sent again after 1, 3, 7 s",
                    count, queued),
        fmt::format("listen's backlog is {}: SOMAXCONN lets the kernel decide (labs 03 and 15)", queued - 1));
  }
  clients.push_back(std::move(first));
  for (Peer& client : clients) client.say(line_bytes);
  trial.converse_together(clients);
  require_well(clients, fmt::format("{} clients arrived while it was halted", count),
               "one accept for one event of an edge-triggered listener: the others wait for the next arrival "
               "(lab 09)");
  return yes(
      fmt::format("{} clients arrived while it was halted: all were queued, and served afterwards", count));
}

Finding survives_fd_exhaustion(Trial& trial) {
  need_descriptors(200);
  trial.process();
  { const Peer first = trial.first_client(); }  // what it needs for the first one of all is not for each
  const std::uint64_t limit = start_with_few_descriptors(trial);
  Peers clients = trial.open(more_than_it_has_room_for);
  const std::size_t served = count_served(clients);
  const std::string story = require_calm_without_descriptors(
      trial, served,
      fmt::format("limit of {} descriptors: {} of {} clients served", limit, served, clients.size()));
  std::erase_if(clients, [](const Peer& peer) { return !peer.well(); });
  for (Peer& client : clients) client.say(line_bytes);
  trial.converse_together(clients);
  require_well(clients, story + "; those that were served speak again");
  clients.erase(clients.begin(), clients.begin() + static_cast<std::ptrdiff_t>(clients.size() / 2));
  // Who is kept waiting stays: a reply that came just as it left would be an error for the server.
  std::list<Peer> newcomers;
  const bool recovered = trial.wait_until([&] {
    std::erase_if(newcomers, [](const Peer& peer) { return peer.gone(); });
    newcomers.push_back(std::move(trial.open(1, 0, pointers_to(clients)).front()));
    return newcomers.back().well();
  });
  if (!recovered) say_no(fmt::format("{}; half of them left, and no new client was served", story));
  return yes(story + ", a new one was served when half of them had left");
}

Finding more_than_1024(Trial& trial) {
  constexpr std::size_t count = 1100;
  need_descriptors(count + 100);
  Peers clients = trial.open(count);
  const std::size_t served = count_served(clients);
  require_well(clients, fmt::format("{} clients at once, {} of which were served", count, served),
               served > 900 && served < 1024
                   ? "an fd_set has 1024 bits (lab 07), or a limit of 1024 descriptors"
                   : "");
  for (Peer& client : clients) client.say(line_bytes);
  trial.converse_together(clients);
  require_well(clients, fmt::format("{} clients at once speak again", count));
  return yes(fmt::format("{} of {} clients served at once, twice", served, count));
}

}  // namespace harness
