#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/harness/judging/chat_format.h"
#include "common/harness/judging/client_socket.h"
#include "common/net/address.h"

namespace harness {

/// A client of a chat room on trial. It sends what it is to say, framed as the room wants it and otherwise as
/// it is, and keeps what it hears, line by line, in the words of the lab's rooms. Room::until() lets any
/// number of guests do what they wish, all at the same time; no call here ever waits.
class Guest : public ClientSocket {
 public:
  /// Begins to connect. `format` must outlive it; `own_name` is what it calls itself where a room lets it.
  Guest(const net::Address& room, const ChatFormat& format, std::string own_name,
        const ClientBuffers& buffers = {});

  /// Wishes to send these bytes of lines, whatever they are, each ended by LF. Of the last one there may be
  /// only a part: so many bytes of it are `still_to_come`, which a room that counts bytes is told before.
  void say(std::string_view bytes, std::size_t still_to_come = 1);
  void say_line(std::string_view line) { say(std::string(line) + '\n'); }
  /// Wishes to leave with the room's word for that.
  void say_that_it_quits();
  /// Wishes to send no more than what it has sent already.
  void stop_saying() { to_send_.clear(); }
  /// Wishes to end its direction once all is sent (SHUT_WR).
  void end() { ends_ = true; }
  /// Whether it reads: it does from the start.
  void reads(bool wish) { reads_ = wish; }

  /// Does what can be done without waiting: connects, sends, receives. Returns how many bytes moved, a new
  /// state counting as one. Throws net::SystemError for failures that are not the connection's.
  std::uint64_t proceed();
  /// What poll(2) should wait for on its behalf; 0: nothing.
  short interest() const;

  /// True when all that it was to say is sent, and its end, if it was to end.
  bool has_said_all() const { return to_send_.empty() && (!ends_ || ended_); }
  std::uint64_t sent() const { return sent_; }
  /// Lines that have come, without their LF, the oldest first; and what came behind the last of them.
  const std::vector<std::string>& heard() const { return heard_; }
  const std::string& half_a_line() const { return half_a_line_; }
  bool has_heard(std::string_view line, std::size_t from = 0) const;
  void forget_what_it_heard();
  /// The name that the room has given it last, by "* you are NAME"; empty: none yet.
  std::string name() const { return names_.empty() ? "" : names_.back(); }
  /// What it calls itself; and what it is called by a room that doesn't tell it.
  const std::string& own_name() const { return own_name_; }
  void is_called(const std::string& name) { names_.push_back(name); }
  /// The bytes of the longest line that it may say.
  std::size_t longest_line() const { return format_->longest_line(own_name_); }

  /// Whether its own lines are among those to be taken. They are not from the start: a room that says them to
  /// their speaker gets its *no* where that is asked, and nowhere else.
  void minds_its_own_lines() { minds_its_own_ = true; }
  /// Lines that were not taken yet; without the news of who has joined or left, which come when they like.
  std::vector<std::string> untaken() const;
  /// Takes that many of these, or all that there are.
  void take(std::size_t count);

  /// How it fares, behind "a listener": "was reset", "heard nothing more after 12 lines".
  std::string story() const;

 private:
  std::uint64_t send_some();
  std::uint64_t receive_some();
  void keep(std::string_view received);
  bool is_to_be_taken(std::string_view line) const;

  const ChatFormat* format_;
  std::string own_name_;
  std::string to_send_;
  bool is_in_a_line_ = false;  // of what it says
  std::uint64_t sent_ = 0;
  bool reads_ = true;
  bool ends_ = false;
  bool ended_ = false;   // its own direction
  bool broken_ = false;  // a send has failed
  std::vector<std::string> heard_;
  std::string half_a_line_;
  std::vector<std::string> names_;  // the newest last
  bool minds_its_own_ = false;
  std::size_t next_ = 0;  // of heard_, to be taken
};

/// What the judge's guests say to each other so that a newcomer is known to be inside, where the room doesn't
/// greet, begins so.
inline constexpr std::string_view at_the_door = "(at the door)";

/// True for what is said of who has joined and who has left, and at the door.
bool is_news(std::string_view line);

}  // namespace harness
