#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/harness/load/arrivals.h"
#include "common/harness/load/connections.h"
#include "common/harness/load/spoken_lines.h"
#include "common/harness/processes/interruption.h"
#include "common/net/address.h"
#include "common/net/file_descriptor.h"

namespace harness {

/// Who comes into a chat room beside the speaker.
struct AudiencePlan {
  net::Address room;
  std::size_t readers = 1;
  std::size_t silent = 0;  ///< those who read nothing while it is spoken; their buffers are small
  std::size_t line_bytes = SpokenLines::smallest;
};

/// A line that was said; times since the span's beginning.
struct SaidLine {
  std::chrono::nanoseconds intended{0};
  std::chrono::nanoseconds late{0};              ///< the speaker's own doing
  std::optional<std::chrono::nanoseconds> sent;  ///< none: the room didn't take it
};

/// A whole line that a listener has heard. Listeners are numbered from 1, the silent ones behind the others.
struct Delivery {
  std::size_t listener = 0;
  std::uint64_t line = 0;
  std::chrono::nanoseconds time{0};
};

/// What one who didn't read has found when he did: lines, and marks among them.
struct Findings {
  std::uint64_t whole = 0;
  std::uint64_t torn = 0;
  std::uint64_t told = 0;    ///< how many lines the room said it had dropped
  std::uint64_t untold = 0;  ///< neither whole nor told of; of one who was told that he is cut off: 0
  bool cut_off = false;
};

/// What a span of speaking was.
struct Spoken {
  std::vector<SaidLine> lines;
  std::vector<Delivery> heard;
  std::vector<Findings> silent;          ///< in the order of their numbers
  std::chrono::nanoseconds length{0};    ///< when the speaker found the span over
  std::chrono::nanoseconds all_read{0};  ///< when the silent ones began to read
  std::chrono::nanoseconds elapsed{0};   ///< until everybody had heard all that he would hear
  std::uint64_t deliveries = 0;          ///< whole lines and marks that came to listeners
};

/// One who speaks in a chat room and those who listen, in one thread. The room is known by what it does with
/// lines, not by its words: its greeting is read and not looked at, and so is all that the speaker hears.
class Audience {
 public:
  Audience(const AudiencePlan& plan, const Interruption& interruption);

  /// Lets all come in, the silent ones last; they still read. True once each has heard a mark of the
  /// speaker's: then nothing of their coming is under way any more. False if one is missing and nothing new
  /// has come for `patience`. Throws net::SystemError, Interrupted.
  bool enter(std::chrono::milliseconds patience);

  /// Says lines at the rate for `duration`, whatever the room does, and waits until those who read have heard
  /// all of them, or hear nothing any more; then `before_all_read` is called. From now on the silent ones
  /// read, too, until everybody has heard a mark that was said when nothing moved any more. Ends as enter()
  /// does where that doesn't happen. Throws as enter().
  Spoken speak(const OfferedRate& rate, std::chrono::nanoseconds duration,
               const std::function<void()>& before_all_read, std::chrono::milliseconds patience);

  /// Says so many marks, each when all have heard the one before. False if somebody misses one and nothing
  /// new comes for `patience`. A mark that took long was said once more, which may be under way still.
  bool speak_in_step(std::size_t marks, std::chrono::milliseconds patience);

  /// Reads what has come, and returns how many whole lines and marks have come to listeners since they were
  /// let in. Of a room that rests it is all that it has sent.
  std::uint64_t deliveries();

  /// Ends all connections by resets.
  void leave();

  /// Readers that were hung up on (`errors`), got a torn line (`corrupt`), or whom nothing reached at the end
  /// (`timeouts`); each once.
  Failures failures() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Guest {
    net::FileDescriptor socket;
    std::string half;  // a line without its end
    bool is_greeted = false;
    bool is_gone = false;
    std::uint64_t mark = 0;  // the last that he has heard
    Findings found;
  };

  void come();
  void watch(std::size_t index, int operation, std::uint32_t events);
  void silent_ones_read(bool wish);
  void say(const std::string& line);
  void say_what_is_due();
  void send_unsent();
  bool all_hear_a_mark(std::chrono::milliseconds patience);
  std::uint64_t untold(const Guest& guest) const;
  bool wait_once(Clock::time_point wake_up);  // whether anything has happened
  void receive(std::size_t index);
  void hear(std::size_t index, std::string_view line, Clock::time_point now);
  void go(std::size_t index);

  AudiencePlan plan_;
  const Interruption& interruption_;
  SpokenLines words_;
  net::FileDescriptor epoll_;
  std::array<epoll_event, 512> events_{};
  std::vector<char> buffer_;
  std::vector<Guest> guests_;  // the speaker, the readers, the silent ones
  std::size_t ungreeted_ = 0;

  std::string unsent_;  // of what the speaker has said
  bool waits_to_send_ = false;
  std::uint64_t said_bytes_ = 0;
  std::uint64_t marks_ = 0;         // said so far
  std::uint64_t marks_before_ = 0;  // of them, before the span
  std::uint64_t awaited_mark_ = 0;
  std::size_t missing_ = 0;          // listeners who have not heard it, nor a later one
  Clock::time_point last_moved_;     // when anything was last heard
  Clock::time_point last_progress_;  // when anything came that was not a mark again
  std::uint64_t deliveries_ = 0;

  bool is_speaking_ = false;
  Clock::time_point begin_;
  std::size_t due_ = 0;   // lines of the span that are said
  std::size_t sent_ = 0;  // of these, what the kernel has taken whole
  std::size_t heard_by_readers_ = 0;
  std::vector<std::uint64_t> ends_;  // where each ends among all bytes that were said
  Spoken spoken_;
};

}  // namespace harness
