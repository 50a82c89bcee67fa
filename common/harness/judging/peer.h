#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "common/harness/judging/client_socket.h"
#include "common/harness/judging/known_bytes.h"
#include "common/net/address.h"

namespace harness {

/// A client of a check. It sends known bytes and compares each byte that comes back with what it has sent.
/// What it wishes is said first (`say`, `end`, `reads`, `awaits_end`); converse() of trial.h then lets any
/// number of peers do what they wish, all at the same time, and no call here ever waits.
class Peer : public ClientSocket {
 public:
  /// Begins to connect. `number` (below 10,000) stands in its bytes. With `receive_buffer` > 0, bytes asked
  /// for by SO_RCVBUF before connecting: the window is small then from the first segment on (tcp(7)). Throws
  /// Decided (not applicable) when this machine has no descriptor or no port left.
  Peer(const net::Address& server, std::uint32_t number, int receive_buffer = 0);

  /// Wishes to send `bytes` more.
  void say(std::uint64_t bytes) { to_send_ += bytes; }
  /// Wishes to send no more than what it has sent already.
  void stop_saying() { to_send_ = sent_; }
  /// Wishes to end its direction once all is sent (SHUT_WR).
  void end() { ends_ = true; }
  /// Whether it reads (it does from the start), and how much at most in all.
  void reads(bool wish) { reads_up_to_ = wish ? UINT64_MAX : received_; }
  void reads_up_to(std::uint64_t bytes) { reads_up_to_ = bytes; }
  /// Wishes to see the server's end of the stream too.
  void awaits_end() { awaits_end_ = true; }

  /// Does what can be done without waiting: connects, sends, receives. Returns how many bytes moved, a new
  /// state counting as one. Throws net::SystemError for failures that are not the connection's.
  std::uint64_t proceed();
  /// What poll(2) should wait for on its behalf; 0: nothing.
  short interest() const;
  /// True when its wishes are fulfilled, or never will be.
  bool done() const;
  /// True when its wishes are fulfilled: all is sent, what it reads has come, and the end, if that was
  /// awaited.
  bool well() const;

  std::uint64_t sent() const { return sent_; }
  std::uint64_t received() const { return received_; }
  std::uint32_t number() const { return number_; }
  /// What came in place of what was sent, in state `wrong`.
  const Difference& difference() const { return difference_; }
  /// How it went, behind "client 3": "was reset after 200 of 300 bytes". It names what was seen: refused,
  /// hung up on, reset, wrong bytes, too many bytes, silence.
  std::string story() const;

 private:
  std::uint64_t send_some();
  std::uint64_t receive_some();
  void compare(std::span<char> received);
  bool wants_to_send() const { return state_ == State::open && sent_ < to_send_ && !broken_; }
  bool wants_to_read() const { return state_ == State::open && received_ < reads_up_to_; }

  std::uint32_t number_;
  std::uint64_t to_send_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t reads_up_to_ = UINT64_MAX;
  bool ends_ = false;
  bool ended_ = false;  // its own direction
  bool awaits_end_ = false;
  bool broken_ = false;  // a send has failed
  Difference difference_;
};

}  // namespace harness
