// The checks that ask whether the right bytes come back to the right client.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/harness/judging/behaviours.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

// One byte without a line feed behind it, then the rest of its line.
void ask_for_half_a_line(Trial& trial, Peer& client) {
  client.say(1);
  if (trial.converse(client, 1000ms)) {
    client.say(line_bytes - 1);
    trial.converse(client);
    return;
  }
  if (client.gone()) return;
  client.say(line_bytes - 1);
  if (trial.converse(client)) {
    say_no("one byte was not answered until its line had ended: it answers lines, not bytes",
           "a reader of lines stands between the socket and the echo; TCP knows no lines (lab 02)");
  }
}

}  // namespace

Finding echoes_exactly(Trial& trial) {
  Peer client = trial.connect();
  client.say(line_bytes);
  trial.converse(client);
  require_well(client, "a first line of 16 bytes");
  ask_for_half_a_line(trial, client);
  require_well(client, "one byte, then the 15 others of a line");
  for (const std::uint64_t size : {14U, 1000U, 65537U, 1133416U}) {  // the last one ends a line
    client.say(size);
    trial.converse(client);
    require_well(client, fmt::format("{} bytes at once", size));
  }
  const std::uint64_t bytes = client.received();
  client.end();
  client.awaits_end();
  trial.converse(client, 200ms);  // whether the end comes is another question
  if (client.state() == Peer::State::wrong) require_well(client, "after all had come back");
  client.close();
  Peer second = trial.first_client();
  require_well(second, "a second client");
  return yes(
      fmt::format("{} bytes in pieces of 1 to 1133416 came back as they were sent, nothing else", bytes));
}

Finding serves_many(Trial& trial) {
  constexpr std::size_t count = 64;
  Peers clients = trial.open(count);
  require_well(clients, "64 clients that connect and say a line");
  // Some by some, then many bytes of all at the same time.
  for (const std::uint64_t size : {16U, 208U, 1600U, 16U, 64000U}) {
    for (Peer& client : clients) client.say(size);
    trial.converse_together(clients);
    require_well(clients, fmt::format("64 clients that send {} bytes each at the same time", size));
  }
  return yes("64 clients at once, 6 rounds: every byte came back to its own client");
}

namespace {

// Floods without reading, then reads all of it, in pieces. Returns how much it was.
std::uint64_t flood_and_read(Trial& trial, Peers& clients, std::uint64_t limit) {
  const std::uint64_t taken = trial.flood(pointers_to(clients), limit);
  for (Peer& client : clients) client.reads_up_to(client.received() + 4096);
  // Those bytes lie here already. What a client has still to send may find no room until it reads on: no
  // reason to wait.
  trial.converse(clients, 50ms);
  for (Peer& client : clients) client.reads(true);
  trial.converse_together(clients);
  return taken;
}

}  // namespace

Finding slow_reader_gets_everything(Trial& trial) {
  Peers one;
  one.push_back(trial.first_client());
  std::uint64_t bytes = 0;
  constexpr int times = 3;
  for (int i = 1; i <= times; ++i) {
    bytes += flood_and_read(trial, one, Trial::flood_limit);
    require_well(one, fmt::format("a client that read nothing until {:.1f} MB were sent, {} of {} times",
                                  static_cast<double>(bytes) / 1e6, i, times));
  }
  one.clear();
  // Small windows: the server is short of room again and again, by a few kilobytes.
  Peers many = trial.open(16, 4096);
  std::uint64_t small = 0;
  for (int i = 0; i < times; ++i) small += flood_and_read(trial, many, 128 * 1024);
  require_well(many, "16 clients with receive buffers of 4096 bytes, which read late");
  return yes(fmt::format(
      "{:.1f} MB to one client in {} floods, {:.1f} MB to 16 with small buffers: all read late, all came",
      static_cast<double>(bytes) / 1e6, times, static_cast<double>(small) / 1e6));
}

}  // namespace harness
