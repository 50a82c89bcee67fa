#include "common/harness/load/open_loop.h"

#include <algorithm>

namespace harness {

OpenLoopResult OpenLoop::speak(std::chrono::nanoseconds duration, std::chrono::nanoseconds patience,
                               std::vector<Interjection> interjections) {
  begin(duration);
  begin_interjections(span_begin_, std::move(interjections));
  const auto all_done = [this] { return next_ == result_.requests.size() && outstanding_ == 0; };
  while (pool_ > 0 && Clock::now() < span_end_) {
    send_due();
    wait_once(std::min(next_event(), span_end_));
  }
  result_.length = Clock::now() - span_begin_;
  result_.span = std::min<std::chrono::nanoseconds>(result_.length, duration);
  const auto deadline = span_end_ + patience;
  while (pool_ > 0 && !all_done() && Clock::now() < deadline) {
    send_due();
    wait_once(std::min(next_event(), deadline));
  }
  for (std::size_t index = 0; index < clients_.size(); ++index) {
    clients_[index].speaks = false;
    const bool waits = clients_[index].state == State::waiting && carries_[index];
    if (waits && Clock::now() - clients_[index].sent_at > plan_.request_timeout)
      fail(index, failures_.timeouts);
    carries_[index].reset();  // a reply that comes now belongs to no span
  }
  speaking_ = false;
  settle();
  result_.elapsed = std::max<std::chrono::nanoseconds>(result_.length, last_reply_ - span_begin_);
  return std::move(result_);
}

void OpenLoop::begin(std::chrono::nanoseconds duration) {
  result_ = {};
  for (const auto intended : intended_times(rate_, duration))
    result_.requests.push_back({.intended = intended, .sent = std::nullopt, .answered = std::nullopt});
  noticed_ = next_ = outstanding_ = 0;
  free_.clear();
  carries_.assign(clients_.size(), std::nullopt);
  span_begin_ = Clock::now();
  free_since_.assign(clients_.size(), span_begin_);
  for (const std::size_t index : active_ones()) {
    if (clients_[index].state == State::dead) continue;
    clients_[index].speaks = true;
    ++result_.speaking;
    if (clients_[index].state == State::idle) free_.push_back(index);
  }
  pool_ = result_.speaking;
  last_reply_ = span_begin_;
  span_end_ = span_begin_ + duration;
  speaking_ = true;
}

// A generator that was away is late for all that became due meanwhile, whether there was a connection for it
// or not: or else the queue that it has caused would pass for the server's.
void OpenLoop::notice_due() {
  const std::chrono::nanoseconds now = Clock::now() - span_begin_;
  for (; noticed_ < result_.requests.size() && result_.requests[noticed_].intended <= now; ++noticed_)
    result_.requests[noticed_].late = now - result_.requests[noticed_].intended;
}

// Sends what is due, as far as there are connections for it.
void OpenLoop::send_due() {
  for (notice_due(); next_ < noticed_ && !free_.empty(); notice_due()) {
    OfferedRequest& request = result_.requests[next_];
    const std::size_t index = free_.front();
    free_.pop_front();
    const auto now = Clock::now();
    request.sent = now - span_begin_;
    const auto could_be_sent =
        std::max<std::chrono::nanoseconds>(request.intended + request.late, free_since_[index] - span_begin_);
    request.late += *request.sent - could_be_sent;
    carries_[index] = next_++;
    ++outstanding_;
    start_request(index, now);
  }
}

// When the next request becomes due, if no reply comes before. It is looked for even while no connection is
// free.
OpenLoop::Clock::time_point OpenLoop::next_event() const {
  if (noticed_ == result_.requests.size()) return Clock::time_point::max();
  return span_begin_ + result_.requests[noticed_].intended;
}

void OpenLoop::replied(std::size_t index, Clock::time_point now) {
  if (!speaking_) return;
  if (carries_[index]) {  // else it answers what was asked before the span
    ++result_.replies;
    last_reply_ = now;
    if (now < span_end_) ++result_.replies_in_span;
    result_.requests[*carries_[index]].answered = now - span_begin_;
    carries_[index].reset();
    --outstanding_;
  }
  if (!clients_[index].speaks) return;
  free_since_[index] = now;
  free_.push_back(index);
  send_due();  // now, so that what waits for a connection, or has become due, doesn't wait for other replies
               // too
}

void OpenLoop::lost(std::size_t index) {
  if (!speaking_) return;
  if (carries_[index]) {
    carries_[index].reset();
    --outstanding_;
  }
  if (!clients_[index].speaks) return;
  --pool_;
  std::erase(free_, index);
}

}  // namespace harness
