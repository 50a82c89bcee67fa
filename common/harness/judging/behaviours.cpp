#include "common/harness/judging/behaviours.h"

#include <fmt/format.h>

#include <csignal>

#include "common/net/system_error.h"

namespace harness {

const std::vector<Behaviour>& behaviours() {
  static const std::vector<Behaviour> all{
      {"echoes-exactly", "every byte comes back, in order, and nothing else", echoes_exactly},
      {"serves-many", "64 clients that all speak get all of their own bytes", serves_many},
      {"replies-out-of-order", "who speaks first is answered first, whoever connected first",
       replies_out_of_order},
      {"silent-client-stops-no-one", "others are answered beside a client that says nothing",
       silent_client_stops_no_one},
      {"slow-reader-stops-no-one", "others are answered beside a client that reads nothing",
       slow_reader_stops_no_one},
      {"slow-reader-memory-bounded", "a client that reads nothing can't fill the server's memory",
       slow_reader_memory_bounded},
      {"slow-reader-gets-everything", "who reads late still gets every byte", slow_reader_gets_everything},
      {"flood-stops-no-one", "others are answered beside a client that never stops", flood_stops_no_one},
      {"half-close-complete", "a client that has ended its own direction still gets the rest",
       half_close_complete},
      {"closes-after-the-end", "after the client's end and the last byte comes the server's end, in order",
       closes_after_the_end},
      {"survives-resets", "connections that are reset end nothing but themselves", survives_resets},
      {"survives-leaving", "clients that leave in any other way end nothing but themselves",
       survives_leaving},
      {"survives-stop-and-continue", "it goes on after SIGSTOP, SIGCONT and signals that mean nothing",
       survives_stop_and_continue},
      {"takes-a-burst", "300 clients that arrive while it can't accept are all served", takes_a_burst},
      {"survives-fd-exhaustion", "out of descriptors it neither ends nor spins, and recovers",
       survives_fd_exhaustion},
      {"more-than-1024", "1100 clients at once are all answered", more_than_1024},
      {"idle-costs-no-cpu", "idle clients, and those that have left, cost no computing time",
       idle_costs_no_cpu},
      {"leaks-nothing", "thousands of clients leave nothing behind", leaks_nothing},
      {"stops-cleanly", "SIGTERM and SIGINT end it at once, exit 0, nothing left behind", stops_cleanly},
      {"restarts-on-its-port", "ended with clients connected, it starts again on its port at once",
       restarts_on_its_port},
      {"leaves-no-zombies", "no ended child process stays behind", leaves_no_zombies},
      {"listens-on-loopback", "unless told otherwise, only this machine can connect", listens_on_loopback},
  };
  return all;
}

namespace {

// What has become of the server: its clients only saw "refused" or "reset". There is no yes of one that has
// ended.
void tell_how_it_fares(Finding& finding, const Behaviour& behaviour, Trial& trial) {
  // The check's clients have left a moment ago: time for what that does to the server.
  const bool is_asked = finding.answer == Answer::yes && trial.is_to_serve();
  const auto end =
      is_asked ? behaviour.end_after_departures(trial) : trial.end_within(std::chrono::milliseconds(50));
  if (!end) return;
  if (finding.answer == Answer::yes) finding.answer = Answer::no;
  finding.evidence += fmt::format("; the server ended: {}", *end);
  if (const std::string words = trial.process().last_words(); !words.empty())
    finding.evidence += fmt::format(", its last words: {}", words);
  if (const std::size_t left = trial.process().living_processes().size(); left > 0)
    finding.evidence += fmt::format(", {} of its processes went on", left);
  if (trial.process().ended_by(SIGPIPE)) {
    finding.often_the_cause =
        "send to a connection that is gone raises SIGPIPE: neither MSG_NOSIGNAL nor SIG_IGN (lab 11)";
  }
}

}  // namespace

Finding find_out(const Behaviour& behaviour, const Target& target, const Interruption& interruption) {
  Trial trial(target, interruption);
  Finding finding;
  try {
    finding = behaviour.check(trial);
  } catch (const Decided& decided) {
    finding = decided.finding();
  } catch (const net::SystemError& error) {
    // Connections tell of the server by their state; a call that fails is about this machine.
    finding = {Answer::not_applicable, fmt::format("the judge's own {}", error.what()), {}};
  }
  tell_how_it_fares(finding, behaviour, trial);
  return finding;
}

}  // namespace harness
