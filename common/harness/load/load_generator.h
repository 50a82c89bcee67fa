#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "common/harness/load/connections.h"

namespace harness {

/// What became of the requests that were sent in one span of a closed loop.
struct LoadResult : SpanResult {
  /// Of each request that was sent in the span and answered, in order of its answer.
  std::vector<std::uint32_t> latency_ns;
  /// When each of these was sent, since the span began; only if the plan of the span asks for it.
  std::vector<std::chrono::nanoseconds> sent;
};

/// Closed loop: each active client sends a request, waits for the whole reply, verifies it and sends the
/// next. Latency runs from just before the first send of a request to just after the recv that completed its
/// reply, CLOCK_MONOTONIC.
class LoadGenerator : public Connections {
 public:
  /// Connects nothing yet. Throws std::invalid_argument for an impossible plan.
  LoadGenerator(const LoadPlan& plan, const Interruption& interruption) : Connections(plan, interruption) {}

  /// The active connections speak for `duration`, and go on, uncounted, until every request that was sent in
  /// that span is answered: the load doesn't fall while the last replies are awaited. `keep_sent`: the result
  /// tells when each request was sent, too. Throws Interrupted.
  LoadResult speak(std::chrono::nanoseconds duration, std::vector<Interjection> interjections = {},
                   bool keep_sent = false);

 private:
  void replied(std::size_t index, Clock::time_point now) override;
  void lost(std::size_t index) override;
  // Sent in the span, or before it and not yet answered: waited for, and a timeout if it never comes.
  bool is_owed(const Client& client) const override { return client.sent_at < span_end_; }
  void ask(std::size_t index);

  std::size_t outstanding_ = 0;  // of those that wait, for a reply that the span is owed
  bool keep_sent_ = false;
  Clock::time_point span_begin_;
  Clock::time_point span_end_;
  Clock::time_point last_reply_;
  LoadResult result_;
};

}  // namespace harness
