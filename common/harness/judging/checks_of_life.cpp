// The checks that ask about the server's own life: where it listens, signals, its end, its next start.

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/harness/judging/behaviours.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/reserved_port.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

const std::string interrupted =
    "a wait that a signal or SIGCONT interrupts fails with EINTR, which is no failure (labs 07 and 09)";

// A halt that a server which doesn't survive it is to be told of as a no.
void halt_briefly(Trial& trial) {
  try {
    const Halted halted(trial);
  } catch (const Decided& ended) {
    say_no(ended.finding().evidence, interrupted);
  }
}

}  // namespace

Finding survives_stop_and_continue(Trial& trial) {
  constexpr int times = 5;
  ServerProcess& process = trial.process();
  Peers clients = trial.open(4);
  require_well(clients, "a first line of each of 4 clients");
  const auto all_are_served = [&](const std::string& after) {
    for (Peer& client : clients) client.say(208);
    trial.converse_together(clients);
    require_well(clients, "4 clients speak after " + after, interrupted);
  };
  for (int i = 0; i < times; ++i) {
    halt_briefly(trial);
    all_are_served("SIGSTOP and SIGCONT while all were idle");
  }
  // What is ignored by default, or only counted: a handler that a server has installed is to be harmless.
  for (const int signal : {SIGWINCH, SIGURG, SIGCHLD, SIGCONT}) {
    process.send_signal(signal);
    all_are_served(fmt::format("signal {} ({})", signal, strsignal(signal)));
  }
  Peers slow = trial.open(1, 0, pointers_to(clients));
  std::uint64_t bytes = trial.flood(slow.front());
  for (int i = 0; i < times; ++i) {
    const Halted halted(trial);
    slow.front().reads_up_to(slow.front().received() + bytes / (times + 1));
    trial.converse(slow.front(), 100ms);
  }
  slow.front().reads(true);
  std::vector<Peer*> all{&slow.front()};
  for (Peer& client : clients) all.push_back(&client);
  trial.converse_together(all);
  require_well(slow, fmt::format("SIGSTOP and SIGCONT in the middle of a transfer of {} bytes", bytes),
               "a send that is interrupted has sent nothing, or a part (lab 10)");
  slow.clear();
  all_are_served("a transfer with stops");
  return yes(
      fmt::format("{} times SIGSTOP and SIGCONT while idle, {} times in a transfer of {:.1f} MB, 4 other "
                  "signals: all were served",
                  times, times, static_cast<double>(bytes) / 1e6));
}

namespace {

// Ten clients that are served, as a server has when it is told to end.
Peers ten_clients(Trial& trial) {
  Peers clients = trial.open(10);
  require_well(clients, "a first line of each of 10 clients");
  return clients;
}

}  // namespace

Finding stops_cleanly(Trial& trial) {
  const Peers clients = ten_clients(trial);
  const std::string terminate = require_clean_end(trial, SIGTERM, "SIGTERM");
  Trial second(trial.target(), trial.interruption());
  const Peers others = ten_clients(second);
  return yes(fmt::format("{}; {}", terminate, require_clean_end(second, SIGINT, "SIGINT")));
}

namespace {

// Empty if it has started.
std::string why_it_does_not_start(Trial& trial, std::uint16_t port) {
  try {
    trial.start_again({.port = port});
    return "";
  } catch (const ServerError& error) {
    return error.what();
  }
}

}  // namespace

Finding restarts_on_its_port(Trial& trial) {
  trial.process();
  if (!trial.target().takes_a_port()) say_not_applicable("its command has no place for a port ({port})");
  // One that nobody gets by chance while the server is away.
  const ReservedPort reserved;
  const auto port = reserved.port();
  trial.start_again({.port = port});
  const Peers clients = ten_clients(trial);
  const bool ended = trial.tell_to_end(SIGTERM).has_value();
  // The server's end of a connection that it has closed first stays in TIME-WAIT for a minute. A few
  // milliseconds are the kernel's own: it takes an io_uring apart after the process has ended.
  const auto is_in_use = [](const std::string& refusal) {
    return refusal.find(std::strerror(EADDRINUSE)) != std::string::npos;
  };
  std::string refusal = why_it_does_not_start(trial, port);
  for (int attempt = 1; attempt < 20 && is_in_use(refusal); ++attempt) {
    trial.pause(100ms);
    refusal = why_it_does_not_start(trial, port);
  }
  if (!refusal.empty()) {
    say_no(
        fmt::format("ended {} with {} clients connected, and started again on port {}: {}",
                    ended ? "by SIGTERM" : "by SIGKILL (SIGTERM did not end it)", clients.size(), port,
                    refusal),
        is_in_use(refusal) ? "no SO_REUSEADDR: connections in TIME-WAIT keep the port (labs 03 and 15)" : "");
  }
  Peer newcomer = trial.first_client();
  require_well(newcomer, fmt::format("started again on port {}", port));
  return yes(
      fmt::format("ended with {} clients connected, started again on port {} at once: a client was served",
                  clients.size(), port));
}

Finding listens_on_loopback(Trial& trial) {
  ServerProcess& process = trial.process();
  const Peer client = trial.first_client();
  for (const net::Address& address : process.listens_on()) {
    if (!address.is_loopback()) {
      say_no(fmt::format("it listens on {}: every machine that reaches this one can connect",
                         address.to_string()),
             "INADDR_ANY, or a library's default: bind to 127.0.0.1 unless told otherwise (labs 01 and 15)");
    }
  }
  return yes("it listens on " + process.listens_on().front().to_string());
}

}  // namespace harness
