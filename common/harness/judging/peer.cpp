#include "common/harness/judging/peer.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/net/system_error.h"

namespace harness {

namespace {

constexpr std::size_t block = 64 * 1024;

}  // namespace

Peer::Peer(const net::Address& server, std::uint32_t number, int receive_buffer)
    : ClientSocket(server, {.receive = receive_buffer}), number_(number) {}

std::uint64_t Peer::proceed() {
  const State before = state_;
  if (state_ == State::connecting) finish_connecting();
  std::uint64_t moved = 0;
  if (wants_to_send()) moved += send_some();
  if (state_ == State::open && ends_ && !ended_ && sent_ == to_send_) {
    end_direction();
    ended_ = true;
  }
  if (wants_to_read()) moved += receive_some();
  return moved + (state_ == before ? 0 : 1);
}

std::uint64_t Peer::send_some() {
  std::array<char, block> bytes;
  const std::span<char> next = std::span(bytes).first(std::min<std::uint64_t>(block, to_send_ - sent_));
  fill_known_bytes(next, number_, sent_);
  const ssize_t result = send(fd(), next.data(), next.size(), MSG_NOSIGNAL);
  if (result < 0) {
    if (net::is_try_again(errno)) return 0;
    // What had come before the connection broke is still there to be read (Linux), and is read first.
    broken_ = true;
    if (!wants_to_read()) fail(errno);
    return 0;
  }
  sent_ += static_cast<std::uint64_t>(result);
  return static_cast<std::uint64_t>(result);
}

std::uint64_t Peer::receive_some() {
  std::array<char, block> bytes;
  const std::size_t at_most = std::min<std::uint64_t>(block, reads_up_to_ - received_);
  const ssize_t result = recv(fd(), bytes.data(), at_most, 0);
  if (result < 0) {
    if (!net::is_try_again(errno)) fail(errno);
    return 0;
  }
  if (result == 0) {
    // send has taken the error of a reset away: the read behind it says end of stream.
    state_ = broken_ ? State::reset : State::ended;
    return 0;
  }
  compare(std::span(bytes).first(static_cast<std::size_t>(result)));
  return static_cast<std::uint64_t>(result);
}

void Peer::compare(std::span<char> received) {
  std::array<char, block> expected;
  const std::size_t due = std::min<std::uint64_t>(received.size(), sent_ - received_);
  fill_known_bytes(std::span(expected).first(due), number_, received_);
  const auto right = static_cast<std::size_t>(
      std::mismatch(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(due), expected.begin())
          .first -
      received.begin());
  received_ += right;
  if (right == received.size()) return;
  state_ = State::wrong;
  const std::span<const char> surplus = received.subspan(right);
  difference_ = describe_difference(surplus, number_, received_);
  if (right == due) {
    difference_.looks_like =
        fmt::format("{} more than were sent: {}", surplus.size(), difference_.looks_like);
  }
}

short Peer::interest() const {
  if (state_ == State::connecting) return POLLOUT;
  int events = 0;
  if (wants_to_send()) events |= POLLOUT;
  if (wants_to_read()) events |= POLLIN;
  return static_cast<short>(events);
}

bool Peer::well() const {
  const bool said = sent_ == to_send_ && (!ends_ || ended_);
  const bool heard = received_ >= std::min(to_send_, reads_up_to_);
  const bool over = !awaits_end_ || state_ == State::ended;
  return said && heard && over && (state_ == State::open || state_ == State::ended);
}

bool Peer::done() const { return gone() || well(); }

std::string Peer::story() const {
  const std::string part = fmt::format("{} of {} bytes", received_, std::max(to_send_, sent_));
  switch (state_) {
    case State::connecting:
      return "was not even connected";
    case State::refused:
      return "was refused";
    case State::ended:
      return received_ == sent_ && sent_ > 0 ? "was hung up on after all bytes had come back"
                                             : fmt::format("was hung up on after {} had come back", part);
    case State::reset:
      return fmt::format("was reset after {} had come back", part);
    case State::wrong:
      return fmt::format("got wrong bytes: in place of byte {} came {}", difference_.position,
                         difference_.looks_like);
    case State::open:
      break;
  }
  if (sent_ < to_send_)
    return fmt::format("could send {} of {} bytes, then nothing moved any more", sent_, to_send_);
  if (received_ < sent_) return fmt::format("got {} back, then nothing came any more", part);
  return awaits_end_ ? "got all bytes back, and no end of the stream" : "got all bytes back";
}

}  // namespace harness
