// The checks of chat rooms that ask what guests who come and go do to the others.

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "common/harness/judging/chat_behaviours.h"
#include "common/harness/judging/limits.h"
#include "common/harness/judging/room.h"
#include "common/harness/processes/process_usage.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

std::string has_joined(const std::string& name) { return fmt::format("* {} has joined", name); }
std::string has_left(const std::string& name) { return fmt::format("* {} has left", name); }

// Two who speak at the same time, and those who hear them.
class TwoSpeakers {
 public:
  explicit TwoSpeakers(Room& room) : room_(room), one_(room.join()), other_(room.join()) {}

  // Says two lines each; they are sent when this returns.
  void speak() {
    ++times_;
    for (Guest* speaker : {&one_, &other_}) {
      for (const std::string& line : lines()) speaker->say_line(line);
    }
    room_.until_said({&one_, &other_});
  }
  void require_heard(const std::vector<Guest*>& listeners, const std::string& what_was_done,
                     const std::string& often_the_cause = {}) {
    std::vector<Due> dues{{&one_, {}}, {&other_, {}}};
    for (Guest* listener : listeners) dues.push_back({listener, {}});
    for (Due& due : dues) {
      for (const Guest* speaker : {&one_, &other_}) {
        if (speaker == due.guest) continue;
        for (const std::string& line : lines()) due.lines.push_back(message(*speaker, line));
      }
    }
    room_.require(std::move(dues), what_was_done, often_the_cause, Room::Order::any);
  }

 private:
  std::vector<std::string> lines() const {
    return {fmt::format("{} first", times_), fmt::format("{} second", times_)};
  }

  Room& room_;
  Guest& one_;
  Guest& other_;
  int times_ = 0;
};

}  // namespace

Finding survives_resets_while_speaking(Trial& trial) {
  constexpr int rounds = 6;
  const std::string cause =
      "a send that fails ends its listener in the middle of the loop over all: the next one is passed over, "
      "or "
      "what was erased is used (lab 11)";
  Room room(trial);
  TwoSpeakers speakers(room);
  std::vector<Guest*> listeners;
  for (int round = 0; round < rounds; ++round) {
    // In turn, so that behind each who is lost comes one who must not be.
    std::vector<Guest*> lost;
    std::vector<std::string> news;
    for (int i = 0; i < 3; ++i) {
      lost.push_back(&room.join());
      news.push_back(has_left(lost.back()->name()));
      listeners.push_back(&room.join());
    }
    const bool lines_first = round % 2 == 0;
    const std::string what = fmt::format("two guests said two lines each, and three others were reset {} it",
                                         lines_first ? "behind" : "before");
    {
      const Halted halted(trial);
      lost.front()->say("half a li");
      room.until_said({lost.front()});
      if (lines_first) speakers.speak();
      for (Guest* guest : lost) guest->reset();
      if (!lines_first) speakers.speak();
    }
    room.forget_closed();
    speakers.require_heard(listeners, what, cause);
    if (room.format().tells_who("left")) room.require_news(listeners, news, what);
    speakers.speak();
    speakers.require_heard(listeners, "two guests spoke after " + what, cause);
  }
  return room.after_all_left(
      yes(fmt::format("{} times two guests spoke while three were reset{}: the {} others heard every line{}",
                      rounds, trial.has_process() ? ", all there before the room saw any" : "",
                      listeners.size() + 2, room.format().tells_who("left") ? " and who had left" : "")));
}

namespace {

// Guests come until four of them are left waiting, or all are there. Returns those who were greeted; those
// who wait stay.
std::vector<Guest*> come_until_full(Room& room, std::size_t most, std::size_t& came) {
  std::vector<Guest*> greeted;
  std::size_t waiting = 0;
  for (came = 0; came < most && waiting < 4; ++came) {
    Guest& guest = room.come();
    if (room.until_greeted({&guest}, waiting == 0 ? 2000ms : 100ms)) {
      greeted.push_back(&guest);
    } else if (guest.gone()) {
      guest.close();
    } else {
      ++waiting;
    }
  }
  room.forget_closed();
  return greeted;
}

void speaks_to_all(Room& room, const std::vector<Guest*>& guests, const std::string& what_was_done) {
  std::vector<Due> dues;
  for (Guest* guest : guests) {
    guest->take(guest->untaken().size());
    if (guest != guests.front()) dues.push_back({guest, {message(*guests.front(), what_was_done)}});
  }
  guests.front()->say_line(what_was_done);
  room.require(std::move(dues), what_was_done);
}

}  // namespace

Finding room_survives_fd_exhaustion(Trial& trial) {
  need_descriptors(200);
  trial.process();
  {
    Room first(trial);  // what it needs for the first one of all is not for each
    first.leave({&first.join()});
  }
  const std::uint64_t limit = start_with_few_descriptors(trial);
  Room room(trial);
  std::size_t came = 0;
  std::vector<Guest*> guests = come_until_full(room, more_than_it_has_room_for, came);
  const std::string story = require_calm_without_descriptors(
      trial, guests.size(),
      fmt::format("limit of {} descriptors: {} of {} guests were greeted", limit, guests.size(), came));
  speaks_to_all(room, guests, "one spoke in a full room");
  const auto half = guests.begin() + static_cast<std::ptrdiff_t>(guests.size() / 2);
  room.leave({half, guests.end()});
  guests.erase(half, guests.end());
  const bool recovered = trial.wait_until([&room] { return room.until_greeted({&room.come()}, 1000ms); });
  if (!recovered) say_no(fmt::format("{}; half of them left, and no new guest was greeted", story));
  speaks_to_all(room, guests, "one spoke when half of a full room had left");
  return room.after_all_left(
      yes(story + "; all heard each other, and a new one was greeted when half of them had left"));
}

namespace {

// A crowd whose connections are all there before the room sees any; greeted when this returns.
std::vector<Guest*> a_crowd(Room& room, std::size_t count) {
  std::vector<Guest*> crowd;
  {
    const Halted halted(room.trial());
    while (crowd.size() < count) crowd.push_back(&room.come());
    Guest& never_greeted = room.come();
    room.until([&never_greeted] { return never_greeted.state() != Guest::State::connecting; }, 100ms);
    never_greeted.reset();
    room.forget_closed();
  }
  room.until_greeted(crowd);
  for (Guest* guest : crowd) {
    guest->take(guest->untaken().size());
    if (guest->name().empty())
      say_no(fmt::format("{} guests came at once: one was not greeted, it {}", count, guest->story()));
  }
  return crowd;
}

// In how many ways a crowd leaves; one of them needs a word.
std::size_t ways_to_leave(const Room& room) { return room.format().has("quit") ? 5 : 4; }

// In these ways, all before the room sees any, and behind lines of two who speak.
void leave_at_once(Room& room, const std::vector<Guest*>& crowd, TwoSpeakers& speakers) {
  std::vector<Guest*> awaiting;
  {
    const Halted halted(room.trial());
    speakers.speak();
    for (std::size_t i = 0; i < crowd.size(); ++i) {
      Guest& guest = *crowd[i];
      const std::size_t way = i % ways_to_leave(room);
      if (way == 0) guest.close();
      if (way == 1) guest.reset();
      if (way == 2) guest.end();
      if (way == 3) guest.say("in the middle of a li");
      if (way == 4) guest.say_that_it_quits();
      if (way >= 2) room.until_said({&guest});
      if (way == 3) guest.close();
      if (way == 2 || way == 4) awaiting.push_back(&guest);
    }
    room.forget_closed();
  }
  room.until([&awaiting] {
    return std::ranges::all_of(awaiting, [](const Guest* guest) { return guest->gone(); });
  });
  for (Guest* guest : awaiting) {
    if (guest->state() != Guest::State::ended) {
      say_no(fmt::format("a crowd left: {}, which had quit or ended its direction, was to see the end, "
                         "and {}",
                         guest->name(), guest->story()),
             "the connection is never closed, or closed with unread bytes (lab 11)");
    }
    guest->close();
  }
  room.forget_closed();
}

// Ends the check with a no unless each who joined has left, once; but for those who stay.
void require_balance(const Guest& listener, const std::set<std::string>& staying) {
  std::multiset<std::string> joined;
  std::multiset<std::string> left;
  for (const std::string& line : listener.heard()) {
    if (!is_news(line)) continue;
    const std::string name = line.substr(2, line.find(' ', 2) - 2);
    (line.ends_with(" has joined") ? joined : left).insert(name);
  }
  for (const std::string& name : joined) {
    if (staying.contains(name) || (joined.count(name) == 1 && left.count(name) == 1)) continue;
    say_no(fmt::format("{} heard {} times that {} has joined, and {} times that it has left", listener.name(),
                       joined.count(name), name, left.count(name)));
  }
}

}  // namespace

Finding join_and_leave_storm(Trial& trial) {
  constexpr std::size_t waves = 10;
  constexpr std::size_t count = 15;
  Room room(trial);
  TwoSpeakers speakers(room);
  const std::vector<Guest*> listeners = room.join(2);
  const auto descriptors = [&trial] {
    std::size_t open = 0;
    if (!trial.has_process()) return open;
    for (const pid_t pid : process_tree(trial.process().pid())) open += open_descriptors(pid).size();
    return open;
  };
  const std::size_t before = descriptors();
  std::set<std::string> names;
  for (std::size_t wave = 0; wave < waves; ++wave) {
    const std::vector<Guest*> crowd = a_crowd(room, count);
    std::vector<std::string> come;
    std::vector<std::string> gone;
    for (const Guest* guest : crowd) {
      if (!names.insert(guest->name()).second)
        say_no(fmt::format("the name {} was given twice", guest->name()));
      come.push_back(has_joined(guest->name()));
      gone.push_back(has_left(guest->name()));
    }
    if (room.format().tells_who("joined"))
      room.require_news(listeners, come, fmt::format("{} guests came at once", count));
    // Nothing is unread when they leave: a close in order would be a reset.
    std::vector<Guest*> all = crowd;
    all.insert(all.end(), listeners.begin(), listeners.end());
    speakers.speak();
    speakers.require_heard(all, fmt::format("two spoke to a crowd of {}", count));
    leave_at_once(room, crowd, speakers);
    speakers.require_heard(listeners, fmt::format("two spoke while {} guests left at once", count));
    if (room.format().tells_who("left"))
      room.require_news(listeners, gone,
                        fmt::format("{} guests left at once, in {} ways", count, ways_to_leave(room)));
  }
  speakers.speak();
  speakers.require_heard(listeners, "two spoke after a storm");
  const bool tells_of_all = room.format().tells_who("joined") && room.format().tells_who("left");
  for (const Guest* listener : listeners) {
    if (tells_of_all) require_balance(*listener, {listeners.back()->name()});
  }
  if (!trial.wait_until([&] { return descriptors() <= before; })) {
    say_no(fmt::format("{} guests came and left: {} descriptors before, {} after", waves * count, before,
                       descriptors()),
           "a connection that is over is not closed: shutdown alone frees nothing (lab 11)");
  }
  return room.after_all_left(yes(
      fmt::format("{} guests came in {} crowds and left at once in {} ways: others heard {}every line; no "
                  "descriptor was left",
                  waves * count, waves, ways_to_leave(room), tells_of_all ? "of each once, and " : "")));
}

}  // namespace harness
