#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

/// What stands at the places of a pattern: "name" → "ada".
using Places = std::map<std::string, std::string>;

/// A line with places in it: "<{name}> {line}".
class Pattern {
 public:
  /// `places` are the names that may stand in braces. Throws std::invalid_argument for another one, and for
  /// two places with nothing between them.
  Pattern(std::string text, const std::vector<std::string>& places);

  const std::string& text() const { return text_; }
  bool has(std::string_view place) const;
  /// None if the line isn't such a one. A place that isn't the last one ends where what stands behind it in
  /// the pattern comes for the first time.
  std::optional<Places> match(std::string_view line) const;
  std::string filled_in(const Places& places) const;

 private:
  struct Part {
    std::string before;  // text
    std::string place;   // empty: the end of the line
  };
  std::string text_;
  std::vector<Part> parts_;
};

/// How a chat room speaks: how its lines are cut out of bytes, and with which words it says what the lab's
/// own rooms say. The checks know the words of the lab only; those of other rooms are translated into them.
/// What a format has no word for its room doesn't do.
class ChatFormat {
 public:
  /// That of the lab's own rooms.
  ChatFormat() = default;
  /// As in "message=<{name}> {line}; joined={name} is here". docs/chat-behaviours.md tells of the words.
  /// Throws std::invalid_argument: what was wrong and what is allowed.
  static ChatFormat parse(const std::string& description);

  bool is_the_labs_own() const { return is_the_labs_own_; }
  /// Whether a line has its length before it instead of an end.
  bool counts_bytes() const { return counts_bytes_; }
  /// Whether it has a word for this: "greeting", "joined", "left", "refused", "quit".
  bool has(const std::string& word) const { return patterns_.contains(word); }
  /// Whether it has a word for this news, with a name in it.
  bool tells_who(const std::string& news) const { return has(news) && patterns_.at(news).has("name"); }
  /// The text of such a word.
  const std::string& text(const std::string& word) const { return patterns_.at(word).text(); }

  /// What a guest says to enter under this name, where there is a word for that.
  std::string entering(const std::string& name) const {
    return patterns_.at("enter").filled_in({{"name", name}});
  }
  /// A line's bytes as they are sent: with its length or its end.
  std::string framed(std::string_view line) const;
  /// What goes before a line of so many bytes: its length, and the name where the room doesn't say it.
  std::string before_line(const std::string& name, std::size_t bytes) const;
  std::string_view behind_line() const { return counts_bytes_ ? "" : "\n"; }
  /// The bytes of the longest line that a guest of this name may say.
  std::size_t longest_line(const std::string& name) const { return longest_ - spoken_name(name).size(); }

  /// Takes the first whole line out of bytes that have come; none: it isn't there yet. Where no length stands
  /// though one should, all of them are a line that nobody has said.
  std::optional<std::string_view> take_line(std::string_view& bytes) const;
  /// What a room has said, in the words of the lab's own; where there are none for it, as it is.
  std::string translated(std::string_view line) const;

 private:
  std::string spoken_name(const std::string& name) const;
  void set(const std::string& word, const std::string& value);
  void require_consistent() const;

  bool is_the_labs_own_ = true;
  bool counts_bytes_ = false;
  std::size_t longest_ = 1000;
  std::map<std::string, Pattern> patterns_ = the_labs_own();
  static const std::map<std::string, Pattern>& the_labs_own();
};

}  // namespace harness
