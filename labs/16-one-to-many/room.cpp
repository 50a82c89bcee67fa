#include "labs/16-one-to-many/room.h"

#include <fmt/format.h>

#include <algorithm>

namespace {

constexpr std::size_t longest_name = 20;
constexpr std::string_view in_names = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

bool can_be_a_name(std::string_view word) {
  return !word.empty() && word.size() <= longest_name &&
         word.find_first_not_of(in_names) == std::string_view::npos;
}

Words to_speaker(std::string line) { return {.whom = Words::For::speaker, .line = std::move(line)}; }
Words to_others(std::string line) { return {.whom = Words::For::others, .line = std::move(line)}; }

Words refusal(std::string_view why) { return to_speaker(fmt::format("* refused: {}\n", why)); }

}  // namespace

std::vector<Words> Room::enter(int guest) {
  std::string name;
  do {  // somebody may have taken the next one's name by /nick
    name = fmt::format("guest{}", ++last_number_);
  } while (names_.contains(name));
  names_.insert(name);
  inside_.insert(guest);
  guests_[guest] = Guest{.name = name, .cutter = {}};
  return {to_speaker(fmt::format("* you are {}\n", name)), to_others(fmt::format("* {} has joined\n", name))};
}

std::vector<Words> Room::hear(int guest, std::span<const char> received) {
  std::vector<Words> words;
  while (has(guest)) {
    const auto line = guests_.at(guest).cutter.next(received);
    if (!line) break;
    if (line->is == CutLine::Is::too_long) {
      words.push_back(refusal(fmt::format("a line has at most {} bytes", LineCutter::longest)));
    } else if (line->is == CutLine::Is::with_controls) {
      words.push_back(refusal("control characters"));
    } else if (line->text.starts_with('/')) {
      obey(guest, line->text, words);
    } else {
      words.push_back(to_others(fmt::format("{}: {}\n", guests_.at(guest).name, line->text)));
    }
  }
  return words;
}

std::vector<Words> Room::leave(int guest) {
  if (!has(guest)) return {};
  const std::string name = guests_.at(guest).name;
  names_.erase(name);
  inside_.erase(guest);
  guests_.erase(guest);
  return {to_others(fmt::format("* {} has left\n", name))};
}

void Room::obey(int guest, std::string_view line, std::vector<Words>& words) {
  constexpr std::string_view nick = "/nick ";
  if (line == "/quit") {
    std::ranges::move(leave(guest), std::back_inserter(words));
  } else if (line.starts_with(nick)) {
    rename(guests_.at(guest), line.substr(nick.size()), words);
  } else {
    words.push_back(refusal("the commands are /nick NAME and /quit"));
  }
}

void Room::rename(Guest& guest, std::string_view wanted, std::vector<Words>& words) {
  if (!can_be_a_name(wanted)) {
    words.push_back(refusal("a name has 1 to 20 letters, digits, _ or -"));
  } else if (names_.contains(wanted)) {
    words.push_back(refusal(fmt::format("{} is taken", wanted)));
  } else {
    words.push_back(to_speaker(fmt::format("* you are {}\n", wanted)));
    words.push_back(to_others(fmt::format("* {} is now {}\n", guest.name, wanted)));
    names_.erase(guest.name);
    guest.name = wanted;
    names_.insert(guest.name);
  }
}

std::string dropped_lines(std::size_t count) {
  return fmt::format("* {} lines were dropped: you read too slowly\n", count);
}
