#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
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

/// What any span of speaking has in common, whatever decides when a request is sent.
struct SpanResult {
  std::size_t speaking = 0;          ///< active clients that lived when it began
  std::chrono::nanoseconds span{0};  ///< as long as was asked for; shorter if no client was left
  /// In an open loop when the generator found the span over, which is a little late. A closed one tells by
  /// each reply's time whether it is in the span: it is never longer.
  std::chrono::nanoseconds length{0};
  std::uint64_t replies_in_span = 0;  ///< throughput is this over span
  std::chrono::nanoseconds elapsed{
      0};                     ///< until the very last reply, in an open loop to the span's end at least
  std::uint64_t replies = 0;  ///< all in that time
};

/// What is done to the server in the middle of a span, such as halting it: `action`, once, when the span is
/// `after` old.
struct Interjection {
  std::chrono::nanoseconds after{0};
  std::function<void()> action;
};

/// Connections that did not do what they should, since the generator was made.
struct Failures {
  std::uint64_t refused = 0;   ///< not connected, or closed before the first reply
  std::uint64_t errors = 0;    ///< reset or closed later
  std::uint64_t timeouts = 0;  ///< no reply in time
  std::uint64_t corrupt = 0;   ///< a reply with a wrong byte, or with more bytes than the request
  std::uint64_t all() const { return refused + errors + timeouts + corrupt; }
};

/// Many clients in one thread: they are opened, a request is sent on each when the loop above says so, and
/// every byte that comes back is verified. When that is, is for the class that derives from this one: it is
/// what makes a loop closed or open.
class Connections {
 public:
  virtual ~Connections() = default;
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  /// Opens all connections, each of which then sends a request and gets its reply: every living connection is
  /// then known to be accepted and served. Those that fail are counted, and so are those that are left when
  /// nobody has been connected or answered for the first time for `timeout`. Throws net::SystemError when out
  /// of descriptors or ports of its own, Interrupted.
  void open(std::chrono::nanoseconds timeout = std::chrono::seconds(10));

  /// Ends all connections by resets: nothing of them stays in TIME-WAIT and disturbs what is measured next.
  void abort();

  const Failures& failures() const { return failures_; }
  std::size_t living() const;

 protected:
  using Clock = std::chrono::steady_clock;
  enum class State { connecting, idle, waiting, dead };
  struct Client {
    net::FileDescriptor socket;
    State state = State::connecting;
    bool speaks = false;  // in this span
    bool wants_to_write = false;
    bool answered_once = false;
    std::uint32_t sequence = 0;
    std::size_t sent = 0;
    std::size_t received = 0;
    Clock::time_point sent_at;
  };

  /// Connects nothing yet. Throws std::invalid_argument for an impossible plan.
  Connections(const LoadPlan& plan, const Interruption& interruption);

  /// A reply is whole, and in time; its client is idle again.
  virtual void replied(std::size_t index, Clock::time_point now) = 0;
  /// A client is about to be given up, as failed.
  virtual void lost(std::size_t index) = 0;
  /// True for a client whose request has to be answered in time: it is a timeout otherwise.
  virtual bool is_owed(const Client& client) const = 0;

  /// The numbers of the active clients, spread evenly over all: neither the lowest nor the highest alone.
  std::vector<std::size_t> active_ones() const;
  /// What happens meanwhile, in order of time; those of an earlier span that are left are dropped.
  void begin_interjections(Clock::time_point span_begin, std::vector<Interjection> interjections);
  /// Sends the client's next request; `now` is when. The client is idle.
  void start_request(std::size_t index, Clock::time_point now);
  /// Handles what has happened, or happens until about `wake_up`, but waits for 20 ms at most.
  void wait_once(Clock::time_point wake_up = Clock::time_point::max());
  /// Takes the replies that are still under way, with nobody sending any more.
  void settle();
  void fail(std::size_t index, std::uint64_t& counter);

  // What the loop above works with.
  LoadPlan plan_;
  std::vector<Client> clients_;
  Failures failures_;
  std::size_t waiting_ = 0;  // for a reply

 private:
  void connect_next();
  void finish_connecting(std::size_t index);
  void continue_sending(std::size_t index);
  void receive(std::size_t index);
  void complete_reply(std::size_t index);
  void handle(const epoll_event& event);
  void interject();
  void set_interest(std::size_t index, int operation);

  const Interruption& interruption_;
  Payload payload_;
  net::FileDescriptor epoll_;
  std::vector<char> buffer_;
  std::array<epoll_event, 512> events_{};
  std::size_t connecting_ = 0;
  std::size_t unanswered_ = 0;       // living connections that have not been answered once
  Clock::time_point last_event_;     // while opening: a connection or a reply
  Clock::time_point last_newcomer_;  // while opening: a connection, or the first reply on one
  Clock::time_point interjections_begin_;
  std::vector<Interjection> interjections_;  // the next one last
};

}  // namespace harness
