#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/harness/judging/client_socket.h"
#include "common/net/address.h"

namespace harness {

/// A client of a chat room on trial. It sends what it is to say, as it is, and keeps what it hears, line by
/// line. Room::until() lets any number of guests do what they wish, all at the same time; no call here ever
/// waits.
class Guest : public ClientSocket {
 public:
  /// Begins to connect.
  explicit Guest(const net::Address& room, const ClientBuffers& buffers = {}) : ClientSocket(room, buffers) {}

  /// Wishes to send these bytes, whatever they are; and a line, with its LF.
  void say(std::string_view bytes) { to_send_ += bytes; }
  void say_line(std::string_view line) { (to_send_ += line) += '\n'; }
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
  /// The name that the room has given it last, by "* you are NAME"; empty: none yet.
  std::string name() const { return names_.empty() ? "" : names_.back(); }

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

  std::string to_send_;
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

/// True for what the room says of who has joined and who has left.
bool is_news(std::string_view line);

}  // namespace harness
