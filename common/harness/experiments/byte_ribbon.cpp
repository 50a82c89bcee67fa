#include "common/harness/experiments/byte_ribbon.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <fstream>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "common/harness/processes/program.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto patience = 10s;
constexpr std::size_t length_prefix_bytes = 4;

// The programs of one scenario. The sizes make the lesson: reads of 24 bytes split messages of 40, and one
// holds the end of a message and the beginning of the next; reads of 10 cut frames of 4 + 14 in their headers
// too.
struct Pair {
  Scenario scenario;
  std::size_t messages;
  std::size_t read_size;
  bool framed = false;
};

const std::vector<Pair>& pairs() {
  static const std::vector<Pair> all{
      {.scenario = {.name = "sticky", .message_bytes = 14}, .messages = 3, .read_size = 1024},
      {.scenario = {.name = "split", .message_bytes = 40}, .messages = 2, .read_size = 24},
      {.scenario = {.name = "framed", .message_bytes = 14}, .messages = 4, .read_size = 10, .framed = true},
  };
  return all;
}

const Pair& pair_of(const Subject& scenario) {
  for (const Pair& pair : pairs()) {
    if (pair.scenario.name == scenario.name) return pair;
  }
  throw std::logic_error("no scenario " + scenario.name);
}

// True when the kernel has everything that a client of `server` sent, the end of the stream too: the server's
// end is then in CLOSE_WAIT (08 in /proc/net/tcp, proc_pid_net(5)), whether it has been accepted or not.
bool everything_has_arrived(const net::Address& server) {
  const std::string local_port = fmt::format(":{:04X}", server.port());
  std::ifstream table("/proc/net/tcp");
  std::string number, local, remote, state, rest;
  while (table >> number >> local >> remote >> state && std::getline(table, rest)) {
    if (local.ends_with(local_port) && state == "08") return true;
  }
  return false;
}

// The pair's work: the client sends everything and ends while the server is halted, then the server reads.
Exchange run_pair(const Pair& pair, const Conditions& conditions) {
  const std::string kind = program_folder() + (pair.framed ? "/framed-" : "/sticky-");
  Program server(
      {kind + "server", "--port", "0", "--delay-ms", "0", "--read-size", std::to_string(pair.read_size)},
      {*conditions.cores.server}, conditions.interruption);
  const net::Address address = server.wait_until_listening();
  server.pause();

  Program client({kind + "client", "--port", std::to_string(address.port()), "--messages",
                  std::to_string(pair.messages), "--size", std::to_string(pair.scenario.message_bytes)},
                 {*conditions.cores.generator}, conditions.interruption);
  client.wait_for_success(patience);
  for (const auto deadline = Clock::now() + patience; !everything_has_arrived(address);) {
    if (Clock::now() > deadline) throw std::runtime_error("what the client sent has not arrived");
    conditions.interruption.check();
    std::this_thread::sleep_for(1ms);
  }
  server.resume();
  server.wait_for_success(patience);

  if (!pair.framed) {
    return {.sends = byte_counts(client.stdout_lines(), "sent"),
            .reads = byte_counts(server.stdout_lines(), "read"),
            .encoded = {},
            .decoded = {}};
  }
  const auto messages = [](const Program& program) {
    auto lines = program.stdout_lines();
    std::erase_if(lines, [](const std::string& line) { return !line.starts_with("message "); });
    return lines;
  };
  return {.sends = byte_counts(client.stderr_lines(), "framed-client: sent"),
          .reads = byte_counts(server.stderr_lines(), "framed-server: read"),
          .encoded = messages(client),
          .decoded = messages(server)};
}

std::string counted(std::size_t number, const char* what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

void check_sum(const char* who, const std::vector<std::size_t>& calls, std::size_t expected) {
  const std::size_t sum = std::accumulate(calls.begin(), calls.end(), std::size_t{0});
  if (sum != expected)
    throw std::runtime_error(fmt::format("the {} {} bytes in all, not {}", who, sum, expected));
}

// The decoder's messages are right when they read as those that went in, in the same order.
void check_messages(const Stream& stream, const Exchange& exchange) {
  if (exchange.decoded.size() != stream.messages) {
    throw std::runtime_error(
        fmt::format("the server decoded {} messages, not {}", exchange.decoded.size(), stream.messages));
  }
  for (std::size_t i = 0; i < stream.messages; ++i) {
    const std::string numbered = fmt::format("message {}: ", i + 1);
    const std::string& line = exchange.decoded[i];
    if (i >= exchange.encoded.size() || line != exchange.encoded[i] || !line.starts_with(numbered) ||
        line.size() != numbered.size() + stream.message_bytes) {
      throw std::runtime_error(
          fmt::format("the server decoded '{}', which is not what the client sent", line));
    }
  }
}

}  // namespace

std::vector<Scenario> byte_ribbon_scenarios() {
  std::vector<Scenario> scenarios;
  for (const Pair& pair : pairs()) scenarios.push_back(pair.scenario);
  return scenarios;
}

std::vector<std::size_t> byte_counts(const std::vector<std::string>& lines, const std::string& prefix) {
  std::vector<std::size_t> counts;
  for (const std::string& line : lines) {
    if (!line.starts_with(prefix + " ")) continue;
    const char* const end = line.data() + line.size();
    std::size_t bytes = 0;
    const auto [after, error] = std::from_chars(line.data() + prefix.size() + 1, end, bytes);
    const std::string unit(after, end);
    if (error != std::errc() || (unit != " bytes" && !unit.starts_with(" bytes: ")))
      throw std::runtime_error(fmt::format("'{}' is not a line '{} N bytes'", line, prefix));
    counts.push_back(bytes);
  }
  return counts;
}

std::string ribbon_csv(const Stream& stream, const Exchange& exchange) {
  check_sum("client sent", exchange.sends, stream.bytes());
  check_sum("server read", exchange.reads, stream.bytes());
  const bool framed = stream.header_bytes > 0;
  if (framed) check_messages(stream, exchange);

  std::string csv = "kind,first_byte,bytes,message\n";
  const auto first_byte_of = [&](std::size_t i) {
    return i * (stream.header_bytes + stream.message_bytes) + stream.header_bytes;
  };
  for (std::size_t i = 0; i < stream.messages; ++i) {
    if (framed)
      csv += fmt::format("header,{},{},{}\n", first_byte_of(i) - stream.header_bytes, stream.header_bytes,
                         i + 1);
    csv += fmt::format("message,{},{},{}\n", first_byte_of(i), stream.message_bytes, i + 1);
  }
  const auto add_calls = [&csv](const char* kind, const std::vector<std::size_t>& calls) {
    std::size_t first_byte = 0;
    for (const std::size_t bytes : calls) {
      csv += fmt::format("{},{},{},\n", kind, first_byte, bytes);
      first_byte += bytes;
    }
  };
  add_calls("sent", exchange.sends);
  add_calls("read", exchange.reads);
  for (std::size_t i = 0; i < exchange.decoded.size(); ++i)
    csv += fmt::format("decoded,{},{},{}\n", first_byte_of(i), stream.message_bytes, i + 1);
  return csv;
}

Outcome conduct_byte_ribbon(const Run& plan, const Subject& scenario, const Conditions& conditions) {
  const Pair& pair = pair_of(scenario);
  const Stream stream{.messages = pair.messages,
                      .message_bytes = pair.scenario.message_bytes,
                      .header_bytes = pair.framed ? length_prefix_bytes : 0};
  const auto began = Clock::now();
  Outcome outcome{.run = plan};
  try {
    const Exchange exchange = run_pair(pair, conditions);
    outcome.events = ribbon_csv(stream, exchange);
    outcome.note =
        fmt::format("{}: {} bytes, {}, {}", scenario.name, stream.bytes(),
                    counted(exchange.sends.size(), "send"), counted(exchange.reads.size(), "read"));
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("byte-ribbon, {}: {}", scenario.name, error.what()));
  }
  outcome.run.duration_s = std::chrono::duration<double>(Clock::now() - began).count();
  outcome.run.requests = stream.messages;
  return outcome;
}

}  // namespace harness
