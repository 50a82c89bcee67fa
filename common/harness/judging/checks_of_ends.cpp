// The checks that ask what ends do: a client's own end, and every way in which clients leave.

#include <fmt/format.h>

#include <string>

#include "common/harness/judging/behaviours.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

constexpr int rounds = 10;

const std::string closed_too_early =
    "the client's end of stream is taken for the client's going: it still reads (lab 11)";

std::string halted_or_not(Trial& trial) { return trial.has_process() ? " while the server was halted" : ""; }

// The next client, which has said a line and got it back.
Peer one_served(Trial& trial) {
  Peer client = trial.first_client();
  require_well(client, "a first line");
  return client;
}

}  // namespace

Finding half_close_complete(Trial& trial) {
  for (int round = 1; round <= rounds; ++round) {
    Peer client = one_served(trial);
    {
      // The bytes and the end are both there before the server sees either.
      const Halted halted(trial);
      client.reads(false);
      client.say(48'000);
      client.end();
      trial.converse(client, 500ms);
    }
    client.reads(true);
    trial.converse(client);
    require_well(client,
                 fmt::format("48000 bytes and the end of the client's direction{}, {} of {} times",
                             halted_or_not(trial), round, rounds),
                 closed_too_early);
  }
  // The same with a queue in the server: more than all buffers hold.
  Peer client = one_served(trial);
  const std::uint64_t taken = trial.flood(client);
  client.end();
  client.reads(true);
  trial.converse(client);
  require_well(
      client,
      fmt::format("{} bytes, until no more were taken, then the end of the client's direction", taken),
      closed_too_early);
  return yes(
      fmt::format("{} times 48000 bytes and the client's end{}, then {:.1f} MB and the end: all came back",
                  rounds, halted_or_not(trial), static_cast<double>(taken) / 1e6));
}

Finding closes_after_the_end(Trial& trial) {
  { const Peer first = trial.first_client(); }
  for (int round = 1; round <= rounds; ++round) {
    // In turn: the end alone, the end behind bytes that are there with it, the end behind bytes that came
    // back.
    Peer client = round % 3 == 1 ? trial.connect() : one_served(trial);
    {
      const Halted halted(trial);
      if (round % 3 == 2) client.say(1600);
      client.end();
      client.reads(false);
      trial.converse(client, 500ms);
    }
    client.reads(true);
    client.awaits_end();
    if (trial.converse(client)) continue;
    if (client.received() < client.sent()) {
      say_not_applicable(
          fmt::format("not even its bytes came back (see half-close-complete): it {}", client.story()));
    }
    const std::string evidence = fmt::format("a client that had ended its direction {}, {} of {} times",
                                             client.story(), round, rounds);
    if (client.state() == Peer::State::reset)
      say_no(evidence, "closed with unread bytes, or with SO_LINGER 0: a reset instead of an end (lab 11)");
    say_no(evidence,
           "recv's 0 was read, and the connection is never closed; or another process or thread holds it "
           "open (labs 04 and 11)");
  }
  return yes(
      fmt::format("{} clients ended their direction, with and without bytes under way{}: each got its bytes, "
                  "then the end, no reset",
                  rounds, halted_or_not(trial)));
}

namespace {

// Two clients that speak in between, so that what others do to a server at work is seen too.
class Speakers {
 public:
  explicit Speakers(Trial& trial) : trial_(trial), peers_(trial.open(2)) {}

  // Ends the check with a no if one of them isn't answered.
  void speak(const std::string& after) {
    for (Peer& peer : peers_) peer.say(208);
    trial_.converse_together(peers_);
    require_well(peers_, fmt::format("others speak after {}", after));
  }

  // New clients, which have been served beside them.
  Peers admit(std::size_t count, const std::string& after) {
    Peers newcomers = trial_.open(count, 0, {&peers_.front(), &peers_.back()});
    require_well(newcomers, fmt::format("a new client after {}", after));
    return newcomers;
  }

 private:
  Trial& trial_;
  Peers peers_;
};

}  // namespace

Finding survives_resets(Trial& trial) {
  Speakers speakers(trial);
  int resets = 0;
  for (int round = 0; round < rounds; ++round) {
    {
      // Before they are accepted.
      const Halted halted(trial);
      Peers early;
      for (int i = 0; i < 2; ++i) early.push_back(trial.connect());
      early.back().say(line_bytes);
      trial.converse(early, 10ms);
      for (Peer& peer : early) peer.reset();
    }
    speakers.speak("two clients that were reset before they were accepted");
    Peers both = speakers.admit(2, "clients that were reset before they were accepted");
    {
      // Two at once, one of them with bytes that the server has not read yet.
      const Halted halted(trial);
      both.front().say(4096);
      both.front().reads(false);
      trial.converse(both.front(), 100ms);
      for (Peer& peer : both) peer.reset();
    }
    speakers.speak("two clients that were reset at once, one of them in the middle of a request");
    Peer reads_nothing = trial.connect();
    trial.flood(reads_nothing, 4 << 20);
    reads_nothing.reset();
    speakers.speak("a client that was reset while its replies waited");
    resets += 5;
  }
  speakers.admit(1, fmt::format("{} resets", resets));
  return yes(
      fmt::format("{} clients reset, before they were accepted, two at once, in a request, with replies "
                  "waiting: others and a new one were served",
                  resets));
}

Finding survives_leaving(Trial& trial) {
  Speakers speakers(trial);
  for (int round = 0; round < rounds; ++round) {
    Peers both = speakers.admit(2, "others had left");
    {
      // In order and with replies to come: the server's first bytes to them cause a reset.
      const Halted halted(trial);
      for (Peer& peer : both) {
        peer.reads(false);
        peer.say(64 * 1024);
      }
      trial.converse(both, 200ms);
      for (Peer& peer : both) peer.close();
    }
    speakers.speak("two clients that sent 64 KiB, read nothing and closed in order");
    both = speakers.admit(2, "others had left");
    {
      // Half closed first; and in the middle of a line.
      const Halted halted(trial);
      both.front().say(7);
      both.front().reads(false);
      trial.converse(both.front(), 200ms);
      both.back().end();
      both.back().proceed();
      for (Peer& peer : both) peer.close();
    }
    speakers.speak(
        "a client that closed in the middle of a line and one that had ended its direction before");
    {
      const Halted halted(trial);
      Peer early = trial.connect();
      early.say(line_bytes);
      early.reads(false);
      trial.converse(early, 10ms);
      early.close();
    }
    speakers.speak("a client that came, said a line and left before it was accepted");
  }
  speakers.admit(1, fmt::format("{} clients that left", 5 * rounds));
  return yes(
      fmt::format("{} clients left in order, with 64 KiB of replies to come, half closed, in mid line, "
                  "before they were accepted: others and a new one were served",
                  5 * rounds));
}

}  // namespace harness
