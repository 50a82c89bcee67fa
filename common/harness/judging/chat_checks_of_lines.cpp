// The checks of chat rooms that ask who hears what.

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "common/harness/judging/chat_behaviours.h"
#include "common/harness/judging/room.h"

namespace harness {

namespace {

// What all others are to hear of a guest's line.
std::vector<Due> due_to_others(const std::vector<Guest*>& guests, const Guest* speaker,
                               const std::string& said) {
  std::vector<Due> dues;
  for (Guest* guest : guests) {
    if (guest != speaker) dues.push_back({guest, {said}});
  }
  return dues;
}

// A room that greets nobody gets its single no here.
Guest& first_of_all(Room& room) {
  try {
    return room.join();
  } catch (const Decided& not_greeted) {
    say_no(not_greeted.finding().evidence);
  }
}

void one_after_the_other(Room& room, const std::vector<Guest*>& guests) {
  for (Guest* speaker : guests) {
    const std::string line = fmt::format("I am {}", speaker->name());
    speaker->say_line(line);
    room.require(due_to_others(guests, speaker, message(*speaker, line)), speaker->name() + " said a line");
  }
}

// Every other's lines, each once; the order is another question.
void all_at_once(Room& room, const std::vector<Guest*>& guests) {
  constexpr int lines = 5;
  std::vector<Due> dues;
  for (Guest* guest : guests) dues.push_back({guest, {}});
  for (int i = 1; i <= lines; ++i) {
    for (Guest* speaker : guests) {
      const std::string line = fmt::format("line {} of all at once", i);
      speaker->say_line(line);
      for (Due& due : dues) {
        if (due.guest != speaker) due.lines.push_back(message(*speaker, line));
      }
    }
  }
  room.require(std::move(dues), fmt::format("{} guests said {} lines each at once", guests.size(), lines), "",
               Room::Order::any);
}

void new_names(Room& room, const std::vector<Guest*>& guests) {
  Guest& renamed = *guests.front();
  Guest& other = *guests.back();
  const std::string old_name = renamed.name();
  renamed.say_line("/nick Ada_1");
  std::vector<Due> dues = due_to_others(guests, &renamed, fmt::format("* {} is now Ada_1", old_name));
  dues.push_back({&renamed, {"* you are Ada_1"}});
  room.require(std::move(dues), old_name + " said '/nick Ada_1'");
  for (const std::string command :
       {"/nick Ada_1", "/nick a b", "/nick 123456789012345678901", "/nick ", "/x"}) {
    other.say_line(command);
    room.require({{&other, {std::string(any_refusal)}}}, fmt::format("{} said '{}'", other.name(), command));
  }
}

}  // namespace

Finding all_hear_all(Trial& trial) {
  constexpr std::size_t count = 8;
  Room room(trial);
  std::vector<Guest*> guests{&first_of_all(room)};
  while (guests.size() < count) {
    Guest& newcomer = room.join();
    if (room.format().tells_who("joined"))
      room.require_news(guests, {fmt::format("* {} has joined", newcomer.name())}, "a newcomer was greeted");
    guests.push_back(&newcomer);
  }
  one_after_the_other(room, guests);
  all_at_once(room, guests);
  const bool renames = room.format().is_the_labs_own();
  if (renames) new_names(room, guests);
  one_after_the_other(room, guests);  // with the new name; and whatever came that was not due is found
  const std::string news = fmt::format("* {} has left", guests.back()->name());
  room.leave({guests.back()});
  guests.pop_back();
  if (room.format().tells_who("left")) room.require_news(guests, {news}, "a guest closed its connection");
  one_after_the_other(room, guests);
  return room.after_all_left(
      yes(fmt::format("{} guests, one after the other, all at once{}: each line came to all others once",
                      count, renames ? ", one with a new name" : "")));
}

namespace {

// What a listener heard, without the lines of one speaker.
std::vector<std::string> without(const std::vector<std::string>& lines, const Guest& speaker) {
  std::vector<std::string> rest;
  std::ranges::copy_if(lines, std::back_inserter(rest), [&speaker](const std::string& line) {
    return !line.starts_with(message(speaker, ""));
  });
  return rest;
}

// Ends the check with a no if they differ.
void require_same_order(const std::vector<std::string>& first, const Guest& first_listener,
                        const std::vector<std::string>& second, const Guest& second_listener) {
  const auto [one, other] = std::ranges::mismatch(first, second);
  if (one == first.end() && other == second.end()) return;
  const auto told = [](auto line, const auto& lines) {
    return line == lines.end() ? std::string("nothing") : quoted(*line);
  };
  say_no(fmt::format("as line {} of what others said at once {} heard {}, and {} heard {}",
                     one - first.begin() + 1, first_listener.name(), told(one, first), second_listener.name(),
                     told(other, second)),
         "each listener's queue is filled, or sent, by itself: several threads without one lock over all of "
         "them, or an order that depends on who is ready");
}

}  // namespace

Finding one_order_for_all(Trial& trial) {
  constexpr std::size_t rounds = 10;
  constexpr std::size_t lines = 5;
  Room room(trial);
  const std::vector<Guest*> speakers = room.join(4);
  const std::vector<Guest*> listeners = room.join(3);
  std::vector<Guest*> all = speakers;
  all.insert(all.end(), listeners.begin(), listeners.end());
  for (std::size_t round = 1; round <= rounds; ++round) {
    {
      const Halted halted(trial);
      for (std::size_t i = 1; i <= lines; ++i) {
        for (Guest* speaker : speakers) speaker->say_line(fmt::format("round {} line {}", round, i));
      }
      room.until_said(speakers);
    }
    room.until([&all, &speakers] {
      return std::ranges::all_of(all, [&speakers](const Guest* guest) {
        const bool speaks = std::ranges::find(speakers, guest) != speakers.end();
        return guest->gone() || guest->untaken().size() >= lines * (speaks ? 3 : 4);
      });
    });
    const std::vector<std::string> order = listeners.front()->untaken();
    if (order.size() != lines * speakers.size()) {
      say_no(fmt::format("{} lines were said at once, {} heard {} of them", lines * speakers.size(),
                         listeners.front()->name(), order.size()));
    }
    for (const Guest* listener : listeners)
      require_same_order(order, *listeners.front(), listener->untaken(), *listener);
    for (const Guest* speaker : speakers)
      require_same_order(without(order, *speaker), *listeners.front(), speaker->untaken(), *speaker);
    for (Guest* guest : all) guest->take(guest->untaken().size());
  }
  return room.after_all_left(
      yes(fmt::format("{} rounds of {} lines of {} speakers{}: all {} guests heard them in one order", rounds,
                      lines * speakers.size(), speakers.size(),
                      trial.has_process() ? ", there before the room saw any" : " at once", all.size())));
}

Finding speaker_hears_no_echo(Trial& trial) {
  constexpr int rounds = 5;
  Room room(trial);
  Guest& speaker = room.join();
  Guest& witness = room.join();
  speaker.minds_its_own_lines();
  for (int round = 1; round <= rounds; ++round) {
    const std::string line = fmt::format("line {}", round);
    speaker.say_line(line);
    room.require({{&witness, {message(speaker, line)}}}, "a guest said a line");
    speaker.say_line("one");
    speaker.say_line("two");
    room.require({{&witness, {message(speaker, "one"), message(speaker, "two")}}},
                 "a guest said two lines at once");
    // What the room had for him before is there before this one.
    witness.say_line(line);
    room.require({{&speaker, {message(witness, line)}}},
                 "a guest said three lines, all were heard, then another spoke",
                 "a loop over all clients, the speaker among them");
  }
  return room.after_all_left(yes(
      fmt::format("{} lines were heard by another, and next the speaker heard that other's", 3 * rounds)));
}

namespace {

struct Conversation {
  Room& room;
  Guest& speaker;
  Guest& other;
  Guest& listener;

  // Each piece has been read by the room before the next one is sent. `behind` is what else belongs to their
  // line, to be said later.
  void say_in_pieces(const std::vector<std::string>& pieces, std::string_view behind = "") const {
    std::size_t still_to_come = behind.size();
    for (const std::string& piece : pieces) still_to_come += piece.size();
    for (const std::string& piece : pieces) {
      still_to_come -= piece.size();
      speaker.say(piece, still_to_come - (still_to_come > 0 ? 1 : 0));  // without its end
      room.until_read({&speaker});
    }
  }
  void require(const std::vector<std::string>& lines, const std::string& what_was_done) const {
    std::vector<std::string> messages;
    for (const std::string& line : lines) messages.push_back(message(speaker, line));
    room.require({{&listener, messages}, {&other, messages}}, what_was_done,
                 "what one recv returns is taken for a line: TCP knows no lines (lab 02)");
  }
};

void split(const Conversation& talk) {
  talk.say_in_pieces({"s", "l", "o", "w", "l", "y", "\n"});
  talk.require({"slowly"}, "a line came byte by byte");
  const std::string rest = "and its rest\n";
  talk.say_in_pieces({"half a line, "}, rest);
  talk.other.say_line("meanwhile");
  talk.room.require({{&talk.listener, {message(talk.other, "meanwhile")}},
                     {&talk.speaker, {message(talk.other, "meanwhile")}}},
                    "a guest said half a line, then another a whole one",
                    "what one recv returns is taken for a line: TCP knows no lines (lab 02)");
  talk.say_in_pieces({rest});
  talk.require({"half a line, and its rest"}, "the other half of a line came");
  talk.say_in_pieces({"caf\xc3", "\xa9\n"});
  talk.require({"caf\xc3\xa9"}, "a character of two bytes came in two pieces");
}

void sticky(const Conversation& talk) {
  {
    const Halted halted(talk.room.trial());
    talk.speaker.say("one\ntwo\nthree\nfo", 2);
    talk.room.until_said({&talk.speaker});
  }
  talk.require({"one", "two", "three"}, "three lines and a half came at once");
  talk.say_in_pieces({"ur\nfive\n"});
  talk.require({"four", "five"}, "the rest of a line and another one came at once");
}

void ends_of_lines(const Conversation& talk) {
  talk.say_in_pieces({"dos\r\n", "split\r", "\n", "unix\n"});
  talk.require({"dos", "split", "unix"}, "lines ended in CR LF, in CR and LF in two pieces, and in LF");
}

void last_line_without_an_end(const Conversation& talk) {
  Guest& leaves = talk.room.join();
  const std::string name = leaves.name();
  leaves.say("whole\nnot whole");
  leaves.end();
  talk.room.require({{&talk.listener, {message(leaves, "whole")}}, {&talk.other, {message(leaves, "whole")}}},
                    "a guest said a line and a half, and ended");
  talk.room.until(
      [&] { return leaves.gone() || talk.listener.has_heard(fmt::format("* {} has left", name)); });
  talk.speaker.say_line("after it");
  talk.require({"after it"}, "a guest said a line and a half and ended, then another spoke");
}

}  // namespace

Finding split_and_sticky_lines_right(Trial& trial) {
  Room room(trial);
  const Conversation talk{room, room.join(), room.join(), room.join()};
  split(talk);
  sticky(talk);
  const bool has_ends = !room.format().counts_bytes();
  if (has_ends) ends_of_lines(talk);
  last_line_without_an_end(talk);
  return room.after_all_left(yes(
      fmt::format("byte by byte, in halves, three and a half at once{} and without an end: each line that "
                  "had one was heard, once",
                  has_ends ? ", with LF, CR LF" : "")));
}

}  // namespace harness
