#include "common/harness/load/load_generator.h"

#include <algorithm>

#include "common/harness/load/latency_sample.h"

namespace harness {

LoadResult LoadGenerator::speak(std::chrono::nanoseconds duration, std::vector<Interjection> interjections,
                                bool keep_sent) {
  result_ = {};
  result_.latency_ns.reserve(
      1'000'000);  // address space only until it is touched; growing would stall the loop
  keep_sent_ = keep_sent;
  if (keep_sent) result_.sent.reserve(1'000'000);
  span_begin_ = Clock::now();
  last_reply_ = span_begin_;
  span_end_ = span_begin_ + duration;
  begin_interjections(span_begin_, std::move(interjections));
  outstanding_ =
      waiting_;  // those that a server in turn still owes a reply from before are waited for as well
  for (const std::size_t index : active_ones()) {
    clients_[index].speaks = true;
    result_.speaking += clients_[index].state == State::dead ? 0 : 1;
    if (clients_[index].state == State::idle) ask(index);
  }
  const auto deadline = span_end_ + plan_.request_timeout;
  while (waiting_ > 0 && (Clock::now() < span_end_ || outstanding_ > 0) && Clock::now() < deadline)
    wait_once();
  for (std::size_t index = 0; index < clients_.size(); ++index) {
    clients_[index].speaks = false;
    if (clients_[index].state == State::waiting && is_owed(clients_[index])) fail(index, failures_.timeouts);
  }
  result_.span = std::min<std::chrono::nanoseconds>(Clock::now() - span_begin_, duration);
  result_.length = result_.span;
  settle();
  result_.elapsed = last_reply_ - span_begin_;
  span_end_ = {};  // what is answered from now on belongs to no span
  return std::move(result_);
}

void LoadGenerator::ask(std::size_t index) {
  const auto now = Clock::now();
  outstanding_ += now < span_end_ ? 1 : 0;
  start_request(index, now);
}

void LoadGenerator::replied(std::size_t index, Clock::time_point now) {
  const Client& client = clients_[index];
  if (is_owed(client)) --outstanding_;
  if (is_owed(client) && client.sent_at >= span_begin_) {
    result_.latency_ns.push_back(latency_sample(now - client.sent_at));
    if (keep_sent_) result_.sent.push_back(client.sent_at - span_begin_);
  }
  ++result_.replies;
  last_reply_ = now;
  if (now < span_end_) ++result_.replies_in_span;
  if (client.speaks) ask(index);
}

void LoadGenerator::lost(std::size_t index) {
  if (clients_[index].state == State::waiting && is_owed(clients_[index])) --outstanding_;
}

}  // namespace harness
