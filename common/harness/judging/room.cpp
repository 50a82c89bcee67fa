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

Guest& Room::come(const ClientBuffers& buffers) { return guests_.emplace_back(trial_.address(), buffers); }

Guest& Room::join(const ClientBuffers& buffers) {
  Guest& guest = come(buffers);
  if (!until([&guest] { return !guest.name().empty() || guest.gone(); }) || guest.name().empty()) {
    const std::string story =
        fmt::format("a guest was not greeted by '* you are NAME': it {}", guest.story());
    if (has_greeted_) say_no(story);
    say_not_applicable(story);
  }
  has_greeted_ = true;
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
  Guest& another = room.come();
  // The greeting, then an answer: what was ready together with the first has been dealt with when the second
  // comes.
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
