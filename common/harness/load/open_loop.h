#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "common/harness/load/arrivals.h"
#include "common/harness/load/connections.h"

namespace harness {

/// One request of an open loop; times since the span's beginning.
struct OfferedRequest {
  std::chrono::nanoseconds intended{0};
  /// How much of its waiting was the generator's own doing: it looked at the clock too late, or did something
  /// else first when a connection was free. To wait for a connection is the server's doing, and no part of
  /// it.
  std::chrono::nanoseconds late{0};
  std::optional<std::chrono::nanoseconds> sent;      ///< none: no connection was free to the end
  std::optional<std::chrono::nanoseconds> answered;  ///< none: never, too late, or wrong
};

/// What became of all requests that one span of an open loop offered.
struct OpenLoopResult : SpanResult {
  std::vector<OfferedRequest> requests;  ///< in the order of their intended times, the unsent ones too
};

/// Open loop: requests are sent at their intended times, whatever the server does. The active connections are
/// a pool: a request takes the one that is free longest. When none is, it waits its turn, and its latency
/// runs from the intended time all the same, so that nothing is hidden by waiting. What waits is a part of
/// the span's own schedule, which is laid down before the span begins: no queue that could grow.
class OpenLoop : public Connections {
 public:
  /// Connects nothing yet. Throws std::invalid_argument for an impossible plan.
  OpenLoop(const LoadPlan& plan, const Interruption& interruption, const OfferedRate& rate)
      : Connections(plan, interruption), rate_(rate) {}

  /// Offers requests for `duration`; those that are still waiting for a connection or for their reply then
  /// are seen to for at most `patience` more, without new ones. What is not answered by then never is: a
  /// connection whose reply has taken longer than the plan's timeout is lost, the others live on. Throws
  /// Interrupted.
  OpenLoopResult speak(std::chrono::nanoseconds duration, std::chrono::nanoseconds patience,
                       std::vector<Interjection> interjections = {});

 private:
  void replied(std::size_t index, Clock::time_point now) override;
  void lost(std::size_t index) override;
  bool is_owed(const Client&) const override { return speaking_; }
  void begin(std::chrono::nanoseconds duration);
  void notice_due();
  void send_due();
  Clock::time_point next_event() const;

  OfferedRate rate_;
  bool speaking_ = false;
  Clock::time_point span_begin_;
  Clock::time_point span_end_;
  Clock::time_point last_reply_;
  std::size_t noticed_ = 0;                    // the first request that is not known to be due yet
  std::size_t next_ = 0;                       // the first request that is not sent yet
  std::size_t outstanding_ = 0;                // sent in this span, and neither answered nor lost
  std::size_t pool_ = 0;                       // active connections that live
  std::deque<std::size_t> free_;               // those of them that wait for no reply; longest free first
  std::vector<Clock::time_point> free_since_;  // by client
  std::vector<std::optional<std::size_t>> carries_;  // by client: the place of its request in result_
  OpenLoopResult result_;
};

}  // namespace harness
