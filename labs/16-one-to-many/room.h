#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "labs/16-one-to-many/line_cutter.h"

/// A line to be sent, with its LF.
struct Words {
  enum class For { speaker, others };
  For whom = For::others;
  std::string line;
};

/// Who is in the room, under which name, and what is to be said to whom when one of them does something. It
/// knows no socket and sends nothing: that is each program's own. A guest is known by a number, which is free
/// again once he has left. Not thread-safe.
///
/// To say all words to everybody in the order in which they were returned, before the next are asked for,
/// makes everybody hear everything in one order.
class Room {
 public:
  /// A newcomer: his greeting, and the news for the others.
  std::vector<Words> enter(int guest);

  /// What a guest's bytes come to: lines for the others, answers for himself. With `/quit` he has left, and
  /// what he sent behind it counts for nothing.
  std::vector<Words> hear(int guest, std::span<const char> received);

  /// He has gone: the news for the others; nothing if he had left already.
  std::vector<Words> leave(int guest);

  bool has(int guest) const { return inside_.contains(guest); }

  /// All who are in.
  const std::set<int>& guests() const { return inside_; }

 private:
  struct Guest {
    std::string name;
    LineCutter cutter;
  };

  void obey(int guest, std::string_view line, std::vector<Words>& words);
  void rename(Guest& guest, std::string_view wanted, std::vector<Words>& words);

  std::map<int, Guest> guests_;
  std::set<int> inside_;  // the keys of guests_, for who only has to go through them
  std::set<std::string, std::less<>> names_;
  std::uint64_t last_number_ = 0;
};

/// What a listener is told who was too slow for `count` lines, as a line with its LF.
std::string dropped_lines(std::size_t count);
