// The check of chat rooms that asks what ends do: a guest's, and the room's own.

#include <fmt/format.h>

#include <csignal>
#include <string>

#include "common/harness/judging/chat_behaviours.h"
#include "common/harness/judging/queues.h"
#include "common/harness/judging/room.h"
#include "common/harness/judging/speech.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

// Until a little waits in the room itself for a guest who reads nothing from now on: what the kernel holds
// for him has grown no more in three steps of a speech. They are small: what waits is to stay far below what
// makes a room drop lines or cut off.
void let_a_little_wait(Speech& speech, Guest& guest) {
  constexpr int most = 400;
  constexpr std::uint64_t step_bytes = 4096;
  guest.reads(false);
  std::int64_t held = 0;
  for (int step = 0, still = 0; step < most && still < 3; ++step) {
    if (!speech.go_on(step_bytes, 1000ms)) break;
    const Queues queues = queues_of(guest.fd());
    const std::int64_t now = queues.near_unread + queues.far_unacknowledged;
    still = now > held ? 0 : still + 1;
    held = now;
  }
}

enum class Way { quit, end };

// Leaves with a queue. Returns how many lines came before the end.
std::size_t leave_with_a_queue(Room& room, Guest& speaker, Guest& listener, Way way) {
  Guest& guest = room.join(small_buffers);
  Speech speech(room, speaker, {&listener});
  const std::size_t heard_before = listener.heard().size();
  let_a_little_wait(speech, guest);
  // How many of its first lines somebody has heard without a gap.
  const auto heard_by = [&speech](const Guest& who, std::size_t from) {
    std::size_t lines = 0;
    for (std::size_t i = from; i < who.heard().size(); ++i) {
      if (speech.number_of(who.heard()[i]) == lines) ++lines;
    }
    return lines;
  };
  const std::size_t due = heard_by(listener, heard_before);
  if (way == Way::quit) guest.say_that_it_quits();
  if (way == Way::end) guest.end();
  room.until_read({&guest});
  guest.reads(true);
  room.until([&guest] { return guest.gone(); });
  const std::size_t came = heard_by(guest, 0);
  const std::string what = fmt::format("a guest that had read nothing {}",
                                       way == Way::quit ? "said that it quits" : "ended its direction");
  if (came < due) {
    say_no(fmt::format("{}: {} of {} lines that others had heard before came, and it {}", what, came, due,
                       guest.story()),
           "what waits for a client is thrown away when it says that it goes (lab 11)");
  }
  if (guest.state() != Guest::State::ended) {
    say_no(fmt::format("{}: all {} lines came, and then it was to see the end, and {}", what, came,
                       guest.story()),
           guest.state() == Guest::State::reset
               ? "closed with unread bytes: a reset instead of an end (lab 11)"
               : "the connection is never closed");
  }
  room.leave({&guest});
  return came;
}

void last_words(Room& room, Guest& listener, Guest& speaker) {
  Guest& guest = room.join();
  guest.say_line("last words");
  guest.say_that_it_quits();
  guest.say_line("behind the end");
  const std::string said = message(guest, "last words");
  listener.take(listener.untaken().size());
  room.require({{&listener, {said}}}, "a guest said a line and quit at once");
  room.until([&guest] { return guest.gone(); });
  if (guest.state() != Guest::State::ended)
    say_no(fmt::format("a guest quit: it was to see the end in order, and {}", guest.story()));
  speaker.say_line("who is left?");
  room.require({{&listener, {message(speaker, "who is left?")}}}, "a guest quit, and spoke behind that");
  room.leave({&guest});
}

// One stop by one signal, with guests inside, of whom one reads nothing.
std::string stop_by(Room& room, int signal, const std::string& name) {
  Guest& speaker = room.join();
  Guest& listener = room.join();
  Guest& slow = room.join(small_buffers);
  room.join(7);
  slow.reads(false);
  Speech speech(room, speaker, {&listener});
  speech.go_on(500'000, 500ms);
  return require_clean_end(room.trial(), signal, name);
}

}  // namespace

Finding ends_cleanly(Trial& trial) {
  std::string evidence;
  Room room(trial);
  {
    Guest& speaker = room.join();
    Guest& listener = room.join();
    if (room.format().has("quit")) {
      last_words(room, listener, speaker);
      const std::size_t lines = leave_with_a_queue(room, speaker, listener, Way::quit);
      evidence = fmt::format("'{}' with {} lines waiting and ", room.format().text("quit"), lines);
    }
    const std::size_t lines = leave_with_a_queue(room, speaker, listener, Way::end);
    evidence += fmt::format("a client's end with {} lines waiting: all came, then the end, no reset", lines);
  }
  if (!trial.has_process()) return room.after_all_left(yes(evidence));
  evidence += "; " + stop_by(room, SIGTERM, "SIGTERM");
  Trial second(trial.target(), trial.interruption());
  Room another(second);
  return yes(fmt::format("{}; {}", evidence, stop_by(another, SIGINT, "SIGINT")));
}

}  // namespace harness
