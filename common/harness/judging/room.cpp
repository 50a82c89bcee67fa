#include "common/harness/judging/room.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/harness/judging/queues.h"
#include "common/net/printable.h"

namespace harness {

using namespace std::chrono_literals;

std::string message(const Guest& speaker, std::string_view line) {
  return fmt::format("{}: {}", speaker.name(), line);
}

std::string quoted(std::string_view line) { return fmt::format("'{}'", net::printable(line, 60)); }

namespace {

// "* you are NAME"
std::string greeting_for_people(const ChatFormat& format) {
  return Pattern(format.text("greeting"), {"name"}).filled_in({{"name", "NAME"}});
}

}  // namespace

Room::Room(Trial& trial)
    : trial_(trial),
      format_(trial.target().format.empty() ? ChatFormat() : ChatFormat::parse(trial.target().format)) {}

Guest& Room::come(const ClientBuffers& buffers) {
  return guests_.emplace_back(trial_.address(), format_, fmt::format("g{}", ++came_), buffers);
}

bool Room::until_greeted(const std::vector<Guest*>& newcomers, std::chrono::milliseconds span) {
  const auto all = [&newcomers](auto condition) { return std::ranges::all_of(newcomers, condition); };
  if (!format_.has("greeting")) {
    until_greeted_by_the_doorman(newcomers, span);
  } else {
    until([&] { return all([](const Guest* guest) { return !guest->name().empty() || guest->gone(); }); },
          span);
  }
  return all([](const Guest* guest) { return !guest->name().empty(); });
}

namespace {

// A newcomer and the doorman say their words to each other, one after the other, until each has heard the
// other.
class Welcome {
 public:
  Welcome(Guest& doorman, Guest& newcomer)
      : doorman_(doorman),
        newcomer_(newcomer),
        heard_by_doorman_(doorman.heard().size()),
        heard_by_newcomer_(newcomer.heard().size()) {}

  bool is_over() const { return !newcomer_.name().empty() || newcomer_.gone(); }
  void say_again() {
    if (is_over()) return;
    (name_ ? doorman_ : newcomer_).say_line(word());
  }
  void look() {
    if (is_over()) return;
    if (!name_) {
      const std::string before = before_the_word(doorman_, heard_by_doorman_);
      if (!before.ends_with(": ")) return;
      name_ = before.substr(0, before.size() - 2);
      say_again();
    } else if (!before_the_word(newcomer_, heard_by_newcomer_).empty()) {
      newcomer_.is_called(*name_);
    }
  }

 private:
  std::string word() const {
    return fmt::format("{} {} {}", at_the_door, name_ ? "welcome," : "here is", newcomer_.own_name());
  }
  // What a listener has heard before the word, in its line; empty: it hasn't heard it. `from`: of the lines
  // that it has heard, which one to look at next.
  std::string before_the_word(const Guest& listener, std::size_t& from) const {
    const std::string said = word();
    while (from < listener.heard().size()) {
      const std::string& heard = listener.heard()[from++];
      if (heard.ends_with(said)) return heard.substr(0, heard.size() - said.size());
    }
    return "";
  }

  Guest& doorman_;
  Guest& newcomer_;
  std::size_t heard_by_doorman_;
  std::size_t heard_by_newcomer_;
  std::optional<std::string> name_;  // once the doorman has heard it
};

}  // namespace

// Until the room has read what they said to enter: many a room takes all that it reads then for the name.
void Room::until_entered(const std::vector<Guest*>& newcomers, std::chrono::milliseconds span) {
  const auto is_read = [](const Guest* guest) {
    if (guest->gone() || guest->fd() < 0) return true;
    return guest->has_said_all() && queues_of(guest->fd()).far_unread == 0 &&
           queues_of(guest->fd()).near_unacknowledged == 0;
  };
  until([&] { return is_read(doorman_) && std::ranges::all_of(newcomers, is_read); }, span);
}

void Room::until_greeted_by_the_doorman(const std::vector<Guest*>& newcomers,
                                        std::chrono::milliseconds span) {
  constexpr auto again_after = 100ms;  // what is said before the other is inside, he never hears
  if (doorman_ == nullptr) doorman_ = &come();
  if (format_.has("enter")) until_entered(newcomers, span);
  std::vector<Welcome> welcomes;
  for (Guest* newcomer : newcomers) welcomes.emplace_back(*doorman_, *newcomer);
  const auto over = [&welcomes] {
    for (Welcome& welcome : welcomes) welcome.look();
    return std::ranges::all_of(welcomes, [](const Welcome& welcome) { return welcome.is_over(); });
  };
  for (auto waited = 0ms; waited < span; waited += again_after) {
    for (Welcome& welcome : welcomes) welcome.say_again();
    if (until(over, again_after)) return;
  }
}

Guest& Room::join(const ClientBuffers& buffers) {
  Guest& guest = come(buffers);
  if (!until_greeted({&guest})) {
    const std::string story =
        format_.has("greeting")
            ? fmt::format("a guest was not greeted by '{}': it {}", greeting_for_people(format_),
                          guest.story())
            : fmt::format("a guest that came and another did not hear each other: it {}", guest.story());
    if (has_greeted_) say_no(story);
    say_not_applicable(story);
  }
  has_greeted_ = true;
  if (!format_.is_the_labs_own()) guest.forget_what_it_heard();  // a prompt, or what was said before it came
  guest.take(guest.untaken().size());
  return guest;
}

std::vector<Guest*> Room::join(std::size_t count) {
  std::vector<Guest*> guests;
  while (guests.size() < count) guests.push_back(&join());
  return guests;
}

void Room::leave(const std::vector<Guest*>& guests) {
  for (Guest* guest : guests) {
    guest->reads(true);
    guest->end();
  }
  until([&guests] { return std::ranges::all_of(guests, [](const Guest* guest) { return guest->gone(); }); },
        500ms);
  for (Guest* guest : guests) guest->close();
  forget_closed();
}

Finding Room::after_all_left(Finding finding) {
  std::vector<Guest*> all;
  for (Guest& guest : guests_) all.push_back(&guest);
  leave(all);
  return finding;
}

void Room::forget_closed() {
  if (doorman_ != nullptr && doorman_->fd() < 0) doorman_ = nullptr;
  guests_.remove_if([](const Guest& guest) { return guest.fd() < 0; });
}

bool Room::until_said(const std::vector<Guest*>& guests, std::chrono::milliseconds span) {
  return until(
      [&guests] {
        return std::all_of(guests.begin(), guests.end(),
                           [](const Guest* guest) { return guest->gone() || guest->has_said_all(); });
      },
      span);
}

void Room::until_read(const std::vector<Guest*>& guests) {
  until_said(guests);
  trial_.wait_until([&guests] {
    return std::all_of(guests.begin(), guests.end(), [](const Guest* guest) {
      const Queues queues = queues_of(guest->fd());
      return queues.near_unacknowledged == 0 && queues.far_unread == 0;
    });
  });
}

namespace {

bool is_due(const std::string& came, const std::string& due) {
  return came == due || (due == any_refusal && came.starts_with(any_refusal));
}

// Ends the check with a no if this guest has not heard what was due.
void require_of_one(Due& due, const std::string& what_was_done, const std::string& often_the_cause,
                    Room::Order order) {
  std::vector<std::string> came = due.guest->untaken();
  came.resize(std::min(came.size(), due.lines.size()));
  if (order == Room::Order::any) {
    std::ranges::sort(came);
    std::ranges::sort(due.lines);
  }
  for (std::size_t i = 0; i < due.lines.size(); ++i) {
    if (i < came.size() && is_due(came[i], due.lines[i])) continue;
    const std::string where =
        fmt::format("{}: {} was to hear {}", what_was_done, due.guest->name(), quoted(due.lines[i]));
    if (i < came.size()) say_no(fmt::format("{}, and heard {}", where, quoted(came[i])), often_the_cause);
    say_no(fmt::format("{}, and {}", where, due.guest->story()), often_the_cause);
  }
  due.guest->take(due.lines.size());
}

}  // namespace

void Room::require(std::vector<Due> dues, const std::string& what_was_done,
                   const std::string& often_the_cause, Order order) {
  until([&dues] {
    return std::ranges::all_of(dues, [](const Due& due) {
      return due.guest->gone() || due.guest->untaken().size() >= due.lines.size();
    });
  });
  for (Due& due : dues) require_of_one(due, what_was_done, often_the_cause, order);
}

void Room::require_news(const std::vector<Guest*>& listeners, const std::vector<std::string>& news,
                        const std::string& what_was_done) {
  until([&] {
    return std::ranges::all_of(listeners, [&news](const Guest* listener) {
      return listener->gone() || std::ranges::all_of(news, [listener](const std::string& line) {
               return listener->has_heard(line);
             });
    });
  });
  for (const Guest* listener : listeners) {
    for (const std::string& line : news) {
      const auto times = std::ranges::count(listener->heard(), line);
      if (times == 1) continue;
      say_no(fmt::format("{}: {} was to hear {} once, and {}", what_was_done, listener->name(), quoted(line),
                         times == 0 ? listener->story() : fmt::format("heard it {} times", times)));
    }
  }
}

std::optional<std::string> room_end_after_departures(Trial& trial) {
  Room room(trial);
  // The greeting, then an answer: what was ready together with the first has been dealt with when the second
  // comes. Where the room never answers, a second one who is greeted is as good.
  if (!room.format().has("greeting") || !room.format().has("refused")) {
    const bool both = room.until_greeted({&room.come()}) && room.until_greeted({&room.come()});
    return trial.end_once_it_rests(both);
  }
  Guest& another = room.come();
  const auto comes = [&room, &another](std::size_t lines) {
    return room.until([&another, lines] { return another.gone() || another.untaken().size() >= lines; });
  };
  bool has_answered = comes(1);
  if (has_answered) {
    another.say_line("/");
    has_answered = comes(2) && !another.gone();
  }
  return trial.end_once_it_rests(has_answered);
}

}  // namespace harness
