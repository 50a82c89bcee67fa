// The check of chat rooms that asks what they let through.

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "common/harness/judging/chat_behaviours.h"
#include "common/harness/judging/room.h"
#include "common/harness/processes/process_usage.h"

namespace harness {

using namespace std::string_literals;

namespace {

const std::string reaches_terminals =
    "bytes are passed on as they are: escape sequences then move cursors, change titles and hide lines on "
    "every listener's terminal";

// Bytes that a line has, and its end.
std::string line_of(std::size_t bytes, std::string_view end = "\n") {
  return fmt::format("{:x<{}}{}", "", bytes, end);
}

// One who tries, and one who is to hear nothing of it.
struct Attempt {
  Room& room;
  Guest& speaker;
  Guest& listener;

  void is_refused(const std::vector<std::string>& pieces, const std::string& what,
                  const std::string& often_the_cause) const {
    for (const std::string& piece : pieces) {
      speaker.say(piece);
      if (&piece != &pieces.back()) room.until_read({&speaker});
    }
    room.require({{&speaker, {std::string(any_refusal)}}}, "a guest said " + what, often_the_cause);
    passes("after it", "a line behind " + what, often_the_cause);
  }
  // Whatever came before it that should not have is found.
  void passes(const std::string& line, const std::string& what,
              const std::string& often_the_cause = "") const {
    speaker.say_line(line);
    room.require({{&listener, {message(speaker, line)}}}, "a guest said " + what, often_the_cause);
    listener.say_line("heard");
    room.require({{&speaker, {message(listener, "heard")}}},
                 fmt::format("a guest said {}, then another spoke", what), often_the_cause);
  }
};

void lengths(const Attempt& attempt) {
  const std::size_t longest = attempt.speaker.longest_line();
  const auto bytes = [](std::size_t count) { return fmt::format("a line of {} bytes", count); };
  const std::string kept = "what came of a line so far is kept, or passed on, whatever its length";
  attempt.passes(line_of(longest, ""), bytes(longest));
  attempt.speaker.say(line_of(longest, "\r\n"));
  attempt.room.require({{&attempt.listener, {message(attempt.speaker, line_of(longest, ""))}}},
                       fmt::format("a guest said {} that ends in CR LF", bytes(longest)));
  attempt.is_refused({line_of(longest + 1)}, bytes(longest + 1), kept);
  attempt.is_refused({line_of(longest * 3 / 5, ""), line_of(longest * 3 / 5)},
                     bytes(longest * 3 / 5 * 2) + " in two pieces", kept);
  attempt.is_refused({line_of(longest * 100)}, bytes(longest * 100), kept);
}

// The room's memory is bounded although one line never ends. Returns how much it grew.
std::int64_t endless_line(const Attempt& attempt) {
  constexpr std::size_t piece = 256 * 1024;
  constexpr std::size_t pieces = 64;
  constexpr std::int64_t bound = 8 << 20;
  Trial& trial = attempt.room.trial();
  const auto memory = [&trial] {
    return trial.has_process() ? memory_usage(trial.process().pid()).proportional_bytes : 0;
  };
  const std::int64_t before = memory();
  for (std::size_t i = 0; i < pieces && !attempt.speaker.gone(); ++i) {
    attempt.speaker.say(line_of(piece, ""));
    if (!attempt.room.until_said({&attempt.speaker})) break;
  }
  attempt.room.until_read({&attempt.speaker});
  const std::int64_t growth = memory() - before;
  const std::string what = fmt::format("{} MiB without an end of line", piece * pieces >> 20);
  if (growth >= bound) {
    say_no(fmt::format("a guest said {}: the room's memory grew by {} KiB (bound: {} KiB)", what,
                       growth / 1024, bound / 1024),
           "a line is kept until its end comes, however long that takes");
  }
  attempt.is_refused({"\n"}, what, "a line has no bound");
  return growth;
}

// Returns how many kinds were tried.
std::size_t control_characters(const Attempt& attempt) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> lines{
      {{"a\0b\n"s}, "a line with a zero byte"},
      {{"bell\a\n"}, "a line with BEL"},
      {{"tab\tb\n"}, "a line with a tab"},
      {{"over\rwritten\n"}, "a line with CR in its middle"},
      {{"\x1b[2Jgone\n"}, "a line with ESC"},
      {{"del\x7f\n"}, "a line with DEL"},
      {{"\xc2\x80\n"}, "a line with U+0080"},
      {{"\xc2\x9b"
        "2Jgone\n"},
       "a line with U+009B (CSI)"},
      {{"\xc2",
        "\x9b"
        "2J\n"},
       "a line with U+009B in two pieces"},
      {{"\xc2\x9f\n"}, "a line with U+009F"},
  };
  for (const auto& [pieces, what] : lines) attempt.is_refused(pieces, what, reaches_terminals);
  const bool knows_names = attempt.room.format().is_the_labs_own();
  if (knows_names) attempt.is_refused({"/nick a\x1b[31m\n"}, "a new name with ESC", reaches_terminals);
  for (const std::string line : {"na\xc3\xafve \xe4\xb8\xad \xf0\x9f\x98\x80", "no-break\xc2\xa0space",
                                 "latin \xe9", "lone \x9b", "cut \xc2"})
    attempt.passes(line, "a line of other bytes");
  return lines.size() + (knows_names ? 1 : 0);
}

}  // namespace

Finding long_line_refused(Trial& trial) {
  Room room(trial);
  if (!room.format().has("refused")) say_not_applicable("its format has no word for a refusal (refused=…)");
  if (room.format().counts_bytes())
    say_not_applicable("a line that tells its length has an end, and no character is one");
  const Attempt attempt{room, room.join(), room.join()};
  lengths(attempt);
  const std::int64_t growth = endless_line(attempt);
  const std::size_t kinds = control_characters(attempt);
  return room.after_all_left(
      yes(fmt::format("{} to 16777216 bytes and {} kinds of control characters were refused, once each, and "
                      "reached nobody; "
                      "{} bytes and other bytes passed{}",
                      attempt.speaker.longest_line() + 1, kinds, attempt.speaker.longest_line(),
                      trial.has_process() ? fmt::format("; memory grew by {} KiB", growth / 1024) : "")));
}

}  // namespace harness
