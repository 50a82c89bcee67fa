// The checks that ask whether the right bytes come back to the right client, whatever the others do.

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "common/harness/judging/behaviours.h"
#include "common/harness/load/client.h"
#include "common/harness/load/load_generator.h"
#include "common/harness/processes/process_usage.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto no_reply_after = 1500ms;  // replies on loopback take well below a millisecond
constexpr std::size_t flood_limit = 64 << 20;

std::string random_bytes(std::size_t count) {
  std::mt19937 random(42);
  std::string bytes(count, '\0');
  std::generate(bytes.begin(), bytes.end(), [&random] { return static_cast<char>(random()); });
  return bytes;
}

// "all bytes came back" or where they differ.
Finding compare(const std::string& sent, const std::string& received, const std::string& circumstances) {
  if (sent == received)
    return {Answer::yes, fmt::format("{} bytes came back as they were sent{}", sent.size(), circumstances)};
  const auto difference =
      std::mismatch(sent.begin(), sent.end(), received.begin(), received.end()).first - sent.begin();
  if (static_cast<std::size_t>(difference) == received.size()) {
    return {Answer::no,
            fmt::format("{} of {} bytes came back{}", received.size(), sent.size(), circumstances)};
  }
  return {Answer::no, fmt::format("byte {} of {} came back wrong{}", difference, sent.size(), circumstances)};
}

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Four clients that speak in turn, ten times each, beside somebody who behaves badly.
Finding others_are_served(const net::Address& server, const std::string& beside) {
  std::vector<Client> others;
  for (int i = 0; i < 4; ++i) others.emplace_back(server);
  double longest = 0;
  for (int round = 1; round <= 10; ++round) {
    for (std::size_t i = 0; i < others.size(); ++i) {
      const auto start = Clock::now();
      if (!others[i].exchange(fmt::format("client {} round {}", i, round), no_reply_after)) {
        return {Answer::no, fmt::format("another client waited {:.0f} ms without a reply beside {}",
                                        milliseconds_since(start), beside)};
      }
      longest = std::max(longest, milliseconds_since(start));
    }
  }
  return {Answer::yes, fmt::format("40 of 40 replies beside {}, longest wait {:.1f} ms", beside, longest)};
}

}  // namespace

Finding echoes_exactly(const Target& target, const Interruption& interruption) {
  RunningTarget server(target, interruption);
  Client client(server.address());
  const std::string bytes = random_bytes(1'200'000);
  std::string received;
  std::size_t begin = 0;
  for (const std::size_t size : {std::size_t{1}, std::size_t{14}, std::size_t{1000}, std::size_t{65'537}}) {
    received += client.echo_all(std::span(bytes).subspan(begin, size), false, 5s);
    begin += size;
  }
  received += client.echo_all(std::span(bytes).subspan(begin), false, 10s);
  return compare(bytes, received, "");
}

Finding serves_many(const Target& target, const Interruption& interruption) {
  RunningTarget server(target, interruption);
  LoadGenerator clients({.server = server.address(), .connections = 64, .active = 64}, interruption);
  clients.open(5s);
  const auto replies = clients.speak(200ms).replies;
  return {clients.failures().all() == 0 && replies >= 64 ? Answer::yes : Answer::no,
          fmt::format("64 clients at once: {} replies, {} of the clients failed", replies,
                      clients.failures().all())};
}

Finding replies_out_of_order(const Target& target, const Interruption& interruption) {
  RunningTarget server(target, interruption);
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) clients.emplace_back(server.address());
  const std::string word = "hello";
  for (Client& client : clients) client.send_all(word);
  for (Client& client : clients) {
    if (client.receive(word.size(), 2s) != word) return {Answer::no, "not even the first replies came"};
  }
  // The last to connect speaks first.
  for (auto client = clients.rbegin(); client != clients.rend(); ++client) {
    if (client->exchange(word, no_reply_after)) continue;
    return {
        Answer::no,
        fmt::format("client {} of 8 spoke and had no reply within {} ms while those before it were silent",
                    clients.rend() - client, no_reply_after.count())};
  }
  return {Answer::yes,
          "8 clients spoke in the reverse order of connecting, each was answered before the next spoke"};
}

Finding half_close_complete(const Target& target, const Interruption& interruption) {
  RunningTarget server(target, interruption);
  Client client(server.address());
  const std::string bytes = random_bytes(200'000);
  return compare(bytes, client.echo_all(bytes, true, 5s), " to a client that had ended its own direction");
}

Finding silent_client_stops_no_one(const Target& target, const Interruption& interruption) {
  RunningTarget server(target, interruption);
  const Client silent(server.address());
  return others_are_served(server.address(), "a silent client");
}

Finding slow_reader_stops_no_one(const Target& target, const Interruption& interruption) {
  RunningTarget server(target, interruption);
  Client slow(server.address());
  const std::size_t taken = slow.flood(flood_limit, 300ms);
  return others_are_served(server.address(), fmt::format("a client that sent {:.1f} MB and reads nothing",
                                                         static_cast<double>(taken) / 1e6));
}

Finding slow_reader_memory_bounded(const Target& target, const Interruption& interruption) {
  RunningTarget server(target, interruption);
  if (server.process() == nullptr) return {Answer::not_applicable, "needs the server's process"};
  constexpr std::int64_t bound = 8 << 20;
  Client slow(server.address());
  if (!slow.exchange("hello")) return {Answer::no, "not even the first reply came"};
  const auto before = memory_usage(server.process()->pid()).proportional_bytes;
  const std::size_t taken = slow.flood(flood_limit, 300ms);
  const auto growth = memory_usage(server.process()->pid()).proportional_bytes - before;
  return {growth < bound ? Answer::yes : Answer::no,
          fmt::format("{:.1f} MB sent to it and nothing read back: its memory grew by {} KiB (bound: {} KiB)",
                      static_cast<double>(taken) / 1e6, growth / 1024, bound / 1024)};
}

}  // namespace harness
