#include "common/harness/load/audience.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/harness/load/punctual_sleep.h"
#include "common/net/connection.h"
#include "common/net/listener.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t speaker = 0;
constexpr std::size_t ungreeted_at_once = 64;  // below the backlog of most servers
constexpr auto quiet = 60ms;  // in which nothing moves: then nothing is under way, unless the room is busy
constexpr auto standstill = 100ms;

void set_option(const net::FileDescriptor& socket, int level, int option, int value, const char* call) {
  if (setsockopt(socket.fd(), level, option, &value, sizeof(value)) < 0) throw net::SystemError(call);
}

// Some tens of kilobytes fill the buffers of both ends then (tcp(7)).
void ask_for_small_buffers(const net::FileDescriptor& socket) {
  set_option(socket, SOL_SOCKET, SO_RCVBUF, 4096, "setsockopt SO_RCVBUF");
  set_option(socket, IPPROTO_TCP, TCP_MAXSEG, 536, "setsockopt TCP_MAXSEG");
}

}  // namespace

Audience::Audience(const AudiencePlan& plan, const Interruption& interruption)
    : plan_(plan),
      interruption_(interruption),
      words_(plan.line_bytes),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(64 * 1024) {
  if (!epoll_) throw net::SystemError("epoll_create1");
  guests_.reserve(1 + plan.readers + plan.silent);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = UINT64_MAX}};
  if (epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, interruption.fd(), &event) < 0)
    throw net::SystemError("epoll_ctl");
}

bool Audience::enter(std::chrono::milliseconds patience) {
  last_moved_ = Clock::now();
  const std::size_t all = 1 + plan_.readers + plan_.silent;
  while (guests_.size() < all || ungreeted_ > 0) {
    if (guests_.size() < all && ungreeted_ < ungreeted_at_once) {
      come();
      wait_once(Clock::now());
      continue;
    }
    wait_once(Clock::now() + quiet);
    // A room that greets nobody has them in it all the same, or will say so by not passing on a mark.
    if (Clock::now() - last_moved_ > quiet) ungreeted_ = 0;
  }
  last_moved_ = {};
  return all_hear_a_mark(patience);
}

void Audience::come() {
  const std::size_t index = guests_.size();
  const bool is_silent = index > plan_.readers;
  Guest& guest = guests_.emplace_back();
  guest.socket =
      net::connect_to({plan_.room}, is_silent ? net::Prepare(ask_for_small_buffers) : net::Prepare());
  net::disable_nagle(guest.socket);
  net::set_nonblocking(guest.socket);
  ++ungreeted_;
  watch(index, EPOLL_CTL_ADD, EPOLLIN);
}

void Audience::watch(std::size_t index, int operation, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.u64 = index}};
  if (epoll_ctl(epoll_.fd(), operation, guests_[index].socket.fd(), &event) < 0)
    throw net::SystemError("epoll_ctl");
}

void Audience::silent_ones_read(bool wish) {
  for (std::size_t index = plan_.readers + 1; index < guests_.size(); ++index) {
    if (!guests_[index].is_gone) watch(index, wish ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, EPOLLIN);
  }
}

Spoken Audience::speak(const OfferedRate& rate, std::chrono::nanoseconds duration,
                       const std::function<void()>& before_all_read, std::chrono::milliseconds patience) {
  spoken_ = {};
  for (const auto intended : intended_times(rate, duration))
    spoken_.lines.push_back({.intended = intended, .sent = std::nullopt});
  spoken_.heard.reserve(spoken_.lines.size() * guests_.size());
  due_ = sent_ = heard_by_readers_ = 0;
  ends_.clear();
  for (Guest& guest : guests_) guest.found = {};
  marks_before_ = marks_;
  const std::uint64_t deliveries_before = deliveries_;
  silent_ones_read(false);
  is_speaking_ = true;
  begin_ = Clock::now();
  for (const auto end = begin_ + duration; Clock::now() < end;) {
    say_what_is_due();
    wait_once(due_ < spoken_.lines.size() ? std::min(end, begin_ + spoken_.lines[due_].intended) : end);
  }
  say_what_is_due();  // who was away at the end finds it over, and the last lines unsaid
  spoken_.length = Clock::now() - begin_;
  const std::size_t all_deliveries = spoken_.lines.size() * plan_.readers;
  while (heard_by_readers_ < all_deliveries && Clock::now() - last_moved_ < standstill)
    wait_once(Clock::now() + 5ms);
  before_all_read();
  silent_ones_read(true);
  spoken_.all_read = Clock::now() - begin_;
  last_moved_ = Clock::now();
  all_hear_a_mark(patience);
  is_speaking_ = false;
  spoken_.elapsed = Clock::now() - begin_;
  spoken_.deliveries = deliveries_ - deliveries_before;
  for (std::size_t index = plan_.readers + 1; index < guests_.size(); ++index) {
    guests_[index].found.untold = untold(guests_[index]);
    spoken_.silent.push_back(guests_[index].found);
  }
  return std::move(spoken_);
}

std::uint64_t Audience::untold(const Guest& guest) const {
  if (guest.found.cut_off) return 0;
  const std::uint64_t marks = guest.mark > marks_before_ ? guest.mark - marks_before_ : 0;
  const std::uint64_t said = spoken_.lines.size() + marks;
  return said - std::min(said, guest.found.whole + guest.found.told);
}

bool Audience::speak_in_step(std::size_t marks, std::chrono::milliseconds patience) {
  for (std::size_t i = 0; i < marks; ++i) {
    last_moved_ = {};
    if (!all_hear_a_mark(patience)) return false;
  }
  return true;
}

std::uint64_t Audience::deliveries() {
  while (wait_once(Clock::now())) {
  }
  return deliveries_;
}

void Audience::say(const std::string& line) {
  (unsent_ += line) += '\n';
  said_bytes_ += line.size() + 1;
}

void Audience::say_what_is_due() {
  for (; due_ < spoken_.lines.size(); ++due_) {
    SaidLine& line = spoken_.lines[due_];
    const auto now = Clock::now() - begin_;
    if (line.intended > now) break;
    line.late = now - line.intended;
    say(words_.line(due_ + 1));
    ends_.push_back(said_bytes_);
    if (!waits_to_send_) send_unsent();
  }
}

void Audience::send_unsent() {
  if (guests_[speaker].is_gone) return;
  const ssize_t taken = send(guests_[speaker].socket.fd(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (taken < 0 && !net::is_try_again(errno)) return go(speaker);
  if (taken > 0) unsent_.erase(0, static_cast<std::size_t>(taken));
  const auto now = Clock::now();
  for (; sent_ < ends_.size() && ends_[sent_] <= said_bytes_ - unsent_.size(); ++sent_)
    spoken_.lines[sent_].sent = now - begin_;
  if (waits_to_send_ == !unsent_.empty()) return;
  waits_to_send_ = !unsent_.empty();
  watch(speaker, EPOLL_CTL_MOD, EPOLLIN | (waits_to_send_ ? EPOLLOUT : 0U));
}

// A mark that was dropped is followed by another one.
bool Audience::all_hear_a_mark(std::chrono::milliseconds patience) {
  awaited_mark_ = marks_ + 1;
  missing_ = static_cast<std::size_t>(
      std::count_if(guests_.begin() + 1, guests_.end(), [](const Guest& guest) { return !guest.is_gone; }));
  last_progress_ = Clock::now();
  while (missing_ > 0) {
    const auto now = Clock::now();
    if (now - last_progress_ > patience || guests_[speaker].is_gone) return false;
    if (unsent_.empty() && now - last_moved_ > quiet) {
      last_moved_ = now;
      say(SpokenLines::mark(++marks_));
      send_unsent();
    }
    wait_once(now + quiet / 2);
  }
  return true;
}

bool Audience::wait_once(Clock::time_point wake_up) {
  const int ready = epoll_wait(epoll_.fd(), events_.data(), static_cast<int>(events_.size()),
                               punctual_sleep(wake_up, Clock::now()));
  if (ready < 0 && errno != EINTR) throw net::SystemError("epoll_wait");
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.u64 == UINT64_MAX) {
      interruption_.check();
      continue;
    }
    const auto index = static_cast<std::size_t>(event.data.u64);
    if ((event.events & EPOLLOUT) != 0) send_unsent();
    if ((event.events & ~EPOLLOUT) != 0) receive(index);
    if (is_speaking_) say_what_is_due();  // punctual even if there is much to hear
  }
  return ready > 0;
}

void Audience::receive(std::size_t index) {
  Guest& guest = guests_[index];
  if (guest.is_gone) return;
  const ssize_t received = recv(guest.socket.fd(), buffer_.data(), buffer_.size(), 0);
  if (received < 0 && net::is_try_again(errno)) return;
  if (received <= 0) return go(index);
  const auto now = last_moved_ = Clock::now();
  if (!std::exchange(guest.is_greeted, true) && ungreeted_ > 0) --ungreeted_;
  std::string_view rest(buffer_.data(), static_cast<std::size_t>(received));
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    if (guest.half.empty()) {
      hear(index, rest.substr(0, end), now);
    } else {
      guest.half += rest.substr(0, end);
      hear(index, std::exchange(guest.half, {}), now);
    }
    rest.remove_prefix(end + 1);
  }
  guest.half += rest;
}

// What the speaker hears is no delivery. Some rooms send him his own lines, perhaps with other words before
// them.
void Audience::hear(std::size_t index, std::string_view line, Clock::time_point now) {
  if (index == speaker) return;
  Guest& guest = guests_[index];
  const HeardLine heard = words_.recognise(line);
  const bool is_whole = heard.is == HeardLine::Is::whole;
  if (is_whole && is_speaking_ && heard.number >= 1 && heard.number <= due_) {
    spoken_.heard.push_back({.listener = index, .line = heard.number, .time = now - begin_});
    if (index <= plan_.readers) ++heard_by_readers_;
  }
  const bool is_mark = heard.is == HeardLine::Is::mark;
  // A mark that was said twice before the span may come within it.
  if (is_whole || (is_mark && heard.number > marks_before_)) ++guest.found.whole;
  if (is_whole || is_mark) ++deliveries_;
  if (heard.is == HeardLine::Is::torn) ++guest.found.torn;
  if (heard.is == HeardLine::Is::told) guest.found.told += heard.number;
  if (heard.is == HeardLine::Is::cut_off) guest.found.cut_off = true;
  // That a mark comes once more is no progress: a room that loses the lines of one would never be given up.
  if (!heard.ends_in_mark) last_progress_ = now;
  if (!heard.ends_in_mark) return;
  if (guest.mark < awaited_mark_ && heard.number >= awaited_mark_ && missing_ > 0) {
    --missing_;
    last_progress_ = now;
  }
  guest.mark = std::max(guest.mark, heard.number);
}

void Audience::go(std::size_t index) {
  Guest& guest = guests_[index];
  if (std::exchange(guest.is_gone, true)) return;
  if (!guest.is_greeted && ungreeted_ > 0) --ungreeted_;
  if (index != speaker && guest.mark < awaited_mark_ && missing_ > 0) --missing_;
  guest.socket.close();  // and out of the epoll set
}

void Audience::leave() {
  for (Guest& guest : guests_) {
    if (guest.is_gone) continue;
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    if (setsockopt(guest.socket.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0)
      throw net::SystemError("setsockopt SO_LINGER");
    guest.socket.close();
    guest.is_gone = true;
  }
}

Failures Audience::failures() const {
  Failures failures;
  for (std::size_t index = 0; index < guests_.size(); ++index) {
    const Guest& guest = guests_[index];
    const bool is_silent = index > plan_.readers;
    if (guest.is_gone && !is_silent) {
      ++failures.errors;
    } else if (guest.found.torn > 0 && !is_silent) {
      ++failures.corrupt;
    } else if (!guest.is_gone && index != speaker && guest.mark < awaited_mark_) {
      ++failures.timeouts;
    }
  }
  return failures;
}

}  // namespace harness
