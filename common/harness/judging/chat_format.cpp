#include "common/harness/judging/chat_format.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <stdexcept>

namespace harness {

// ---- Pattern ----

Pattern::Pattern(std::string text, const std::vector<std::string>& places) : text_(std::move(text)) {
  std::string_view rest = text_;
  for (auto open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    const auto close = rest.find('}', open);
    const std::string place(rest.substr(open + 1, std::min(close, rest.size()) - open - 1));
    if (close == std::string_view::npos || std::ranges::find(places, place) == places.end()) {
      std::vector<std::string> allowed;
      for (const std::string& each : places) allowed.push_back(fmt::format("{{{}}}", each));
      throw std::invalid_argument(
          fmt::format("has '{}', and may have {}",
                      rest.substr(open, close == std::string_view::npos ? close : close - open + 1),
                      allowed.empty() ? "no braces" : fmt::format("{}", fmt::join(allowed, " and "))));
    }
    if (open == 0 && !parts_.empty())
      throw std::invalid_argument("has two places with nothing between: where does the first one end?");
    parts_.push_back({.before = std::string(rest.substr(0, open)), .place = place});
    rest.remove_prefix(close + 1);
  }
  parts_.push_back({.before = std::string(rest), .place = ""});
}

bool Pattern::has(std::string_view place) const {
  return std::ranges::any_of(parts_, [place](const Part& part) { return part.place == place; });
}

std::optional<Places> Pattern::match(std::string_view line) const {
  if (!line.starts_with(parts_.front().before)) return std::nullopt;
  line.remove_prefix(parts_.front().before.size());
  Places found;
  for (std::size_t i = 0; i + 1 < parts_.size(); ++i) {
    const std::string& behind = parts_[i + 1].before;
    const bool is_last = i + 2 == parts_.size();
    if (is_last && !line.ends_with(behind)) return std::nullopt;
    const std::size_t end = is_last ? line.size() - behind.size() : line.find(behind);
    if (end == std::string_view::npos) return std::nullopt;
    found[parts_[i].place] = line.substr(0, end);
    line.remove_prefix(end + behind.size());
  }
  return line.empty() ? std::optional(found) : std::nullopt;
}

std::string Pattern::filled_in(const Places& places) const {
  std::string line;
  for (const Part& part : parts_) {
    line += part.before;
    if (!part.place.empty()) line += places.at(part.place);
  }
  return line;
}

// ---- ChatFormat ----

namespace {

constexpr std::size_t shortest_allowed =
    100;  // the judge's own lines, but for those that fill buffers, are shorter
constexpr std::size_t longest_allowed = 9000;
constexpr std::size_t digits = 4;  // of a length

// A word that says how lines look: what may stand in it, and what must.
struct Word {
  std::string name;
  std::vector<std::string> places;
  std::string needs;
};

const std::vector<Word>& words() {
  static const std::vector<Word> all{{"message", {"name", "line"}, "line"},
                                     {"enter", {"name"}, "name"},
                                     {"greeting", {"name"}, "name"},
                                     {"joined", {"name"}, ""},
                                     {"left", {"name"}, ""},
                                     {"dropped", {"count"}, "count"},
                                     {"cut-off", {}, ""},
                                     {"refused", {}, ""},
                                     {"quit", {}, ""}};
  return all;
}

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

Pattern pattern_of(const std::string& name, const std::string& text) {
  const auto word = std::ranges::find(words(), name, &Word::name);
  if (word == words().end()) {
    std::vector<std::string> names{"frame", "longest"};
    for (const Word& each : words()) names.push_back(each.name);
    throw std::invalid_argument(fmt::format("unknown word '{}': there are {}", name, fmt::join(names, ", ")));
  }
  if (text.empty()) throw std::invalid_argument(fmt::format("'{}=' is empty: leave it out", name));
  try {
    Pattern pattern(text, word->places);
    if (word->needs.empty() || pattern.has(word->needs)) return pattern;
    throw std::invalid_argument(fmt::format("lacks {{{}}}", word->needs));
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(fmt::format("'{}={}' {}", name, text, error.what()));
  }
}

}  // namespace

const std::map<std::string, Pattern>& ChatFormat::the_labs_own() {
  static const std::map<std::string, Pattern> patterns = [] {
    const std::map<std::string, std::string> texts{
        {"message", "{name}: {line}"},     {"greeting", "* you are {name}"},
        {"joined", "* {name} has joined"}, {"left", "* {name} has left"},
        {"cut-off", "* cut off"},          {"dropped", "* {count} lines were dropped: you read too slowly"},
        {"refused", "* refused:"},         {"quit", "/quit"}};
    std::map<std::string, Pattern> all;
    for (const auto& [name, text] : texts) all.emplace(name, pattern_of(name, text));
    return all;
  }();
  return patterns;
}

ChatFormat ChatFormat::parse(const std::string& description) {
  ChatFormat format;
  format.is_the_labs_own_ = false;
  format.patterns_.clear();
  std::istringstream clauses(description);
  for (std::string clause; std::getline(clauses, clause, ';');) {
    if (trimmed(clause).empty()) continue;
    const auto equals = clause.find('=');
    if (equals == std::string::npos)
      throw std::invalid_argument(
          fmt::format("'{}' is no WORD=TEXT; several are separated by ';'", trimmed(clause)));
    format.set(trimmed(clause.substr(0, equals)), trimmed(clause.substr(equals + 1)));
  }
  format.require_consistent();
  return format;
}

void ChatFormat::set(const std::string& word, const std::string& value) {
  if (word == "frame") {
    if (value != "lines" && value != "4-digits")
      throw std::invalid_argument(fmt::format("'frame={}': there are lines and 4-digits", value));
    counts_bytes_ = value == "4-digits";
  } else if (word == "longest") {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), longest_);
    if (error != std::errc() || end != value.data() + value.size() || longest_ < shortest_allowed ||
        longest_ > longest_allowed)
      throw std::invalid_argument(fmt::format("'longest={}' is no number of bytes from {} to {}", value,
                                              shortest_allowed, longest_allowed));
  } else if (!patterns_.emplace(word, pattern_of(word, value)).second) {
    throw std::invalid_argument(fmt::format("'{}' is given twice", word));
  }
}

void ChatFormat::require_consistent() const {
  if (!has("message"))
    throw std::invalid_argument("it lacks message=…: how others see a line, as in 'message={name}: {line}'");
  if (patterns_.at("message").has("name")) return;
  if (has("greeting"))
    throw std::invalid_argument("'greeting=' tells of a name that no line shows: 'message=' lacks {name}");
  for (const std::string news : {"joined", "left"}) {
    if (tells_who(news) && !has("enter"))
      throw std::invalid_argument(
          fmt::format("'{}=' tells of a name that nobody has told the room: it lacks enter=…", news));
  }
}

std::string ChatFormat::spoken_name(const std::string& name) const {
  return patterns_.at("message").has("name") ? "" : name + ": ";
}

std::string ChatFormat::framed(std::string_view line) const {
  return fmt::format("{}{}{}", counts_bytes_ ? fmt::format("{:{}}", line.size(), digits) : "", line,
                     behind_line());
}

std::string ChatFormat::before_line(const std::string& name, std::size_t bytes) const {
  const std::string spoken = spoken_name(name);
  return counts_bytes_ ? fmt::format("{:{}}{}", spoken.size() + bytes, digits, spoken) : spoken;
}

std::optional<std::string_view> ChatFormat::take_line(std::string_view& bytes) const {
  std::size_t begin = 0;
  std::size_t size = bytes.find('\n');
  std::size_t end = size + 1;
  if (counts_bytes_) {
    if (bytes.size() < digits) return std::nullopt;
    const std::string_view header = bytes.substr(0, digits);
    const std::string_view number = header.substr(std::min(header.find_first_not_of(' '), digits));
    const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), size);
    const bool is_length = error == std::errc() && stop == number.data() + number.size();
    begin = is_length ? digits : 0;
    if (!is_length) size = bytes.size();
    end = begin + size;
    if (end > bytes.size()) return std::nullopt;
  }
  if (size == std::string_view::npos) return std::nullopt;
  const std::string_view line = bytes.substr(begin, size);
  bytes.remove_prefix(end);
  return line;
}

std::string ChatFormat::translated(std::string_view line) const {
  if (is_the_labs_own_) return std::string(line);
  if (!counts_bytes_ && line.ends_with('\r')) line.remove_suffix(1);
  const std::map<std::string, Pattern>& ours = the_labs_own();
  for (const std::string word : {"greeting", "joined", "left", "dropped"}) {
    if (!has(word)) continue;
    if (auto places = patterns_.at(word).match(line)) {
      places->emplace("name", "somebody");
      return ours.at(word).filled_in(*places);
    }
  }
  for (const std::string word : {"refused", "cut-off"}) {
    if (has(word) && line.starts_with(text(word)))
      return ours.at(word).text() + " " + std::string(line.substr(text(word).size()));
  }
  const auto places = patterns_.at("message").match(line);
  if (!places) return std::string(line);
  return places->contains("name") ? fmt::format("{}: {}", places->at("name"), places->at("line"))
                                  : places->at("line");
}

}  // namespace harness
