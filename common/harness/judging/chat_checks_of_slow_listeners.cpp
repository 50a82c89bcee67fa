// The checks of chat rooms that ask what a listener who reads late, or never, costs whom.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "common/harness/judging/chat_behaviours.h"
#include "common/harness/judging/room.h"
#include "common/harness/judging/speech.h"
#include "common/harness/processes/process_usage.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

double megabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

std::string cut_off_or_not(const Guest& slow) { return slow.gone() ? " (it was cut off)" : ""; }

// A room that waits for slow listeners stands still soon; another check says so.
constexpr auto stands_still = 500ms;

// Ends the check with a no at a line that is not as it was said. Returns how many are.
std::size_t require_whole(const Guest& listener, const Speech& speech, const std::string& who) {
  const std::string torn =
      "one send a message, its result ignored: what a full buffer doesn't take is lost, and the next message "
      "goes on in the middle of it (lab 10)";
  std::size_t whole = 0;
  for (const std::string& line : listener.heard()) {
    if (line.starts_with("* ") || is_news(line)) continue;
    if (!speech.number_of(line)) {
      say_no(fmt::format("{} heard {} ({} bytes), which nobody said, after {} whole lines", who, quoted(line),
                         line.size(), whole),
             torn);
    }
    ++whole;
  }
  if (!listener.half_a_line().empty())
    say_no(fmt::format("{} heard {} and never the end of that line", who, quoted(listener.half_a_line())),
           torn);
  return whole;
}

}  // namespace

Finding lines_whole(Trial& trial) {
  constexpr int rounds = 3;
  constexpr std::uint64_t bytes = 1'000'000;
  Room room(trial);
  Guest& speaker = room.join();
  Guest& listener = room.join();
  Speech speech(room, speaker, {&listener});
  std::size_t whole = 0;
  for (int round = 1; round <= rounds; ++round) {
    std::vector<Guest*> late;
    while (late.size() < 3) late.push_back(&room.join(small_buffers));
    for (Guest* guest : late) guest->reads(false);
    speech.go_on(bytes, stands_still);
    for (Guest* guest : late) guest->reads(true);
    speech.until_caught_up(late);
    require_whole(listener, speech, "a listener beside three that read late");
    for (Guest* guest : late) whole += require_whole(*guest, speech, "a listener that read late");
    room.leave(late);
  }
  const std::size_t heard = require_whole(listener, speech, "a listener");
  if (whole == 0 || heard == 0) say_no("nobody heard a single line of the speech");
  return room.after_all_left(yes(
      fmt::format("{:.1f} MB of numbered lines: {} heard beside {} listeners that read late, {} by these: "
                  "all as they were "
                  "said",
                  megabytes(speech.bytes()), heard, 3 * rounds, whole)));
}

Finding slow_listener_stops_no_one(Trial& trial) {
  constexpr std::uint64_t bytes = 6'000'000;  // more than the kernel's buffers for the slow one ever hold
  Room room(trial);
  Guest& speaker = room.join();
  Guest& early = room.join();
  Guest& slow = room.join(small_buffers);
  Guest& listener = room.join();
  slow.reads(false);
  Speech speech(room, speaker, {&early, &listener});
  const bool heard = speech.go_on(bytes);
  slow.proceed();
  const std::string beside = fmt::format("beside a listener that reads nothing{}", cut_off_or_not(slow));
  if (!heard) {
    const Guest& worse = early.heard().size() < listener.heard().size() ? early : listener;
    say_no(fmt::format("{:.1f} kB were said {}: another listener {}", megabytes(speech.bytes()) * 1000,
                       beside, worse.story()),
           "a blocking send to one listener, in the thread or under the lock that all need (labs 05 and 10)");
  }
  for (const Guest* guest : {&early, &listener}) {
    const auto lines = static_cast<std::size_t>(std::ranges::count_if(
        guest->heard(), [&speech](const std::string& line) { return speech.number_of(line).has_value(); }));
    if (lines != speech.lines()) {
      say_no(fmt::format("{} lines were said {}: another listener, who read all the time, heard {}",
                         speech.lines(), beside, lines));
    }
  }
  return room.after_all_left(
      yes(fmt::format("{:.1f} MB were said {}: two others heard all {} lines, longest wait {:.1f} ms",
                      megabytes(speech.bytes()), beside, speech.lines(), speech.longest_wait_ms())));
}

Finding slow_listener_memory_bounded(Trial& trial) {
  constexpr std::uint64_t bytes = 6'000'000;
  constexpr std::uint64_t piece = 64 * 1024;
  constexpr std::int64_t bound = 8 << 20;
  const pid_t pid = trial.process().pid();
  Room room(trial);
  Guest& speaker = room.join();
  Guest& listener = room.join();
  std::vector<Guest*> slow;
  while (slow.size() < 4) slow.push_back(&room.join(small_buffers));
  for (Guest* guest : slow) guest->reads(false);
  const auto before = memory_usage(pid).proportional_bytes;
  Speech speech(room, speaker, {&listener});
  speech.go_on(bytes);
  // One that stands still may go on to listen, and keep what it hears.
  std::uint64_t behind = 0;
  while (speech.bytes() + behind < bytes && room.until_said({&speaker}, 300ms) && !speaker.gone()) {
    const std::string line(std::min<std::size_t>(500, speaker.longest_line()), 'x');
    for (std::uint64_t said = 0; said < piece; said += line.size() + 1) speaker.say_line(line);
    behind += piece;
  }
  const auto growth = memory_usage(pid).proportional_bytes - before;
  const std::string evidence = fmt::format(
      "{:.1f} MB said beside 4 listeners that read nothing: its memory grew by {} KiB (bound: {} KiB)",
      megabytes(speech.bytes() + behind), growth / 1024, bound / 1024);
  if (growth >= bound) {
    say_no(evidence,
           "what a listener doesn't take is queued for him without a bound: give the queue one, and say what "
           "happens then");
  }
  return room.after_all_left(yes(evidence));
}

namespace {

// N of "* N lines were dropped…"; 0 for any other line.
std::size_t count_of_dropped(std::string_view line) {
  if (!line.starts_with("* ") || line.find(" dropped") == std::string_view::npos) return 0;
  std::size_t count = 0;
  std::from_chars(line.data() + 2, line.data() + line.size(), count);
  return count;
}

// What a slow listener heard of a speech, and what he was told of the rest.
struct Account {
  std::size_t heard = 0;
  std::size_t missed = 0;
  bool was_cut_off = false;
};

// Ends the check with a no where lines are missing and the room hasn't said how many.
Account account_of(const Guest& slow, const Speech& speech) {
  const std::string silently =
      "a message that could not be sent is forgotten: what send returns is not looked at";
  Account account;
  std::size_t next = 0;
  std::size_t told = 0;
  for (const std::string& line : slow.heard()) {
    told += count_of_dropped(line);
    account.was_cut_off = line.starts_with("* cut off");
    const auto number = speech.number_of(line);
    if (!number || *number < next) continue;
    const std::size_t gap = *number - next;
    if (gap != told) {
      say_no(
          fmt::format("a slow listener heard line {} next to line {}: {} were missing, and it was told of {}",
                      *number, next == 0 ? 0 : next - 1, gap, told),
          told == 0 ? silently : "");
    }
    ++account.heard;
    account.missed += gap;
    next = *number + 1;
    told = 0;
  }
  const std::size_t rest = speech.lines() - next;
  account.missed += rest;
  if (rest > 0 && !account.was_cut_off) {
    say_no(fmt::format("a slow listener {}, {} of {} lines were missing at the end, and it was told of {}",
                       slow.story(), rest, speech.lines(), told),
           silently);
  }
  return account;
}

}  // namespace

Finding slow_listener_is_told(Trial& trial) {
  constexpr int times = 2;
  constexpr std::uint64_t bytes = 1'000'000;
  Room room(trial);
  Guest& speaker = room.join();
  Guest& listener = room.join();
  Guest& slow = room.join(small_buffers);
  Speech speech(room, speaker, {&listener});
  for (int i = 0; i < times && !slow.gone(); ++i) {
    slow.reads(false);
    speech.go_on(bytes, stands_still);
    slow.reads(true);
    speech.until_caught_up({&slow});
  }
  const Account account = account_of(slow, speech);
  const std::string evidence =
      fmt::format("a listener read late, {} lines were said: it heard {}", speech.lines(), account.heard);
  if (account.was_cut_off)
    return room.after_all_left(yes(evidence + ", then the word that it was cut off, and the end"));
  if (account.missed == 0) return room.after_all_left(yes(evidence + " and missed none"));
  return room.after_all_left(
      yes(fmt::format("{} and was told of {} that were dropped, each time where they were missing", evidence,
                      account.missed)));
}

}  // namespace harness
