#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "common/harness/load/payload.h"
#include "common/harness/processes/interruption.h"
#include "common/net/address.h"
#include "common/net/file_descriptor.h"

namespace harness {

/// What the generator does to a server.
struct LoadPlan {
  net::Address server;
  std::size_t connections = 1;
  std::size_t active = 1;  ///< how many of them speak; the others stay open and silent
  std::size_t message_bytes = 14;
  /// A reply that takes longer counts as a timeout, and its connection speaks no more.
  std::chrono::nanoseconds request_timeout = std::chrono::seconds(4);
  /// How many connections leave from one address of 127.0.0.0/8 before the next one is used, so that ports
  /// don't run out (about 28,000 an address by default; ip_local_port_range in ip(7)).
  std::size_t connections_per_address = 20'000;
};

/// What became of the requests that were sent in one span of speaking.
struct LoadResult {
  std::size_t speaking = 0;             ///< active clients that lived when it began
  std::chrono::nanoseconds span{0};     ///< as long as was asked for; shorter if no client was left
  std::uint64_t replies_in_span = 0;    ///< throughput is this over span
  std::chrono::nanoseconds elapsed{0};  ///< until the very last reply
  std::uint64_t replies = 0;            ///< all in that time
  /// Of each request that was sent in the span and answered, in order of its answer.
  std::vector<std::uint32_t> latency_ns;
};

/// Connections that did not do what they should, since the generator was made.
struct Failures {
  std::uint64_t refused = 0;   ///< not connected, or closed before the first reply
  std::uint64_t errors = 0;    ///< reset or closed later
  std::uint64_t timeouts = 0;  ///< no reply in time
  std::uint64_t corrupt = 0;   ///< a reply with a wrong byte, or with more bytes than the request
  std::uint64_t all() const { return refused + errors + timeouts + corrupt; }
};

/// Many clients in one thread, closed loop: each active one sends a request, waits for the whole reply,
/// verifies it and sends the next. Latency runs from just before the first send of a request to just after
/// the recv that completed its reply, CLOCK_MONOTONIC.
class LoadGenerator {
 public:
  /// Connects nothing yet. Throws std::invalid_argument for an impossible plan.
  LoadGenerator(const LoadPlan& plan, const Interruption& interruption);

  /// Opens all connections, each of which then sends a request and gets its reply: every living connection is
  /// then known to be accepted and served. Those that fail are counted, and so are those that are left when
  /// nobody has been connected or answered for the first time for `timeout`. Throws net::SystemError when out
  /// of descriptors or ports of its own, Interrupted.
  void open(std::chrono::nanoseconds timeout = std::chrono::seconds(10));

  /// The active connections speak for `duration`, and go on, uncounted, until every request that was sent in
  /// that span is answered: the load doesn't fall while the last replies are awaited. Throws Interrupted.
  LoadResult speak(std::chrono::nanoseconds duration);

  /// Ends all connections by resets: nothing of them stays in TIME-WAIT and disturbs what is measured next.
  void abort();

  const Failures& failures() const { return failures_; }
  std::size_t living() const;

 private:
  using Clock = std::chrono::steady_clock;
  enum class State { connecting, idle, waiting, dead };
  struct Client {
    net::FileDescriptor socket;
    State state = State::connecting;
    bool speaks = false;  // whether a reply is followed by the next request
    bool wants_to_write = false;
    bool answered_once = false;
    std::uint32_t sequence = 0;
    std::size_t sent = 0;
    std::size_t received = 0;
    Clock::time_point sent_at;
  };

  void connect_next();
  void finish_connecting(std::size_t index);
  void start_request(std::size_t index);
  void continue_sending(std::size_t index);
  void receive(std::size_t index);
  void complete_reply(std::size_t index);
  void handle(const epoll_event& event);
  void wait_once();
  void settle();
  void fail(std::size_t index, std::uint64_t& counter);
  // Sent in the span, or before it and not yet answered: waited for, and a timeout if it never comes.
  bool is_owed(const Client& client) const { return client.sent_at < span_end_; }
  void set_interest(std::size_t index, int operation);

  LoadPlan plan_;
  const Interruption& interruption_;
  Payload payload_;
  net::FileDescriptor epoll_;
  std::vector<Client> clients_;
  std::vector<char> buffer_;
  std::array<epoll_event, 512> events_{};
  Failures failures_;
  std::size_t connecting_ = 0;
  std::size_t unanswered_ = 0;   // living connections that have not been answered once
  std::size_t waiting_ = 0;      // for a reply
  std::size_t outstanding_ = 0;  // of those, for a reply that the span is owed
  Clock::time_point span_begin_;
  Clock::time_point span_end_;
  Clock::time_point last_reply_;
  Clock::time_point last_event_;     // while opening: a connection or a reply
  Clock::time_point last_newcomer_;  // while opening: a connection, or the first reply on one
  LoadResult result_;
};

}  // namespace harness
