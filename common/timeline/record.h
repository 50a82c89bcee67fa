#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "common/net/file_descriptor.h"

namespace timeline {

/// Nanoseconds of CLOCK_MONOTONIC: one clock for all programs of a machine, so that their records can be
/// merged.
std::int64_t now_ns();

/// What happened to a connection, and when: a CSV file that a chart is drawn from. Its header line is
///
///   time_ns,event,value
///
/// and `time_ns` (now_ns()) never goes back within a file. Samples, taken every 5 ms, and once at the end:
///
///   written by the sender                          written by the receiver
///   siocoutq      in its send queue: sent or not,  siocinq        in its receive queue: arrived, not read
///                 not acknowledged yet             read           read by recv so far
///   siocoutqnsd   of these, not sent yet           so_rcvbuf      SO_RCVBUF now, autotuned or set
///   accepted      taken over by send so far        peer_siocoutq  in the sender's send queue (sock_diag(7)),
///   so_sndbuf     SO_SNDBUF as it is now                          also after the sender has ended
///
/// all in bytes; SO_SNDBUF and SO_RCVBUF bound the kernel's memory, which is more than the payload.
/// `peer_siocoutq` is there only when both ends are on one machine. Events:
///
///   connected                     value: bytes of one message
///   blocked_begin, blocked_end    of every send that had to wait; value: bytes accepted until then
///   finished                      sender: the last send has returned; value: bytes accepted
///   closed                        sender: close has returned, or the connection was given up; value: bytes
///                                 accepted
///   end_of_stream                 receiver: recv returned 0; value: bytes read
///   error                         the connection failed; value: errno
///
/// blocked_begin and blocked_end come in pairs. A file that ends without `closed` or `end_of_stream` belongs
/// to a program that was killed; what it did in its last fraction of a second is missing.
///
/// Thread-safe. A record that can't be written never disturbs the transfer: that is said once, and the rest
/// is dropped.
class Record {
 public:
  /// Writes nothing: for a program that runs without --record.
  Record() = default;
  /// Creates or empties the file. A failure is said on stderr behind `program`. SIGXFSZ is ignored from then
  /// on: a file that grows too large is to be an error (EFBIG) and not the end of the program.
  Record(std::string program, std::string path);
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;
  /// Saves what is left.
  ~Record();

  /// Adds a line with the present time. Cheap, and writes nothing: save() does. `event` must be a literal.
  void add(const char* event, std::int64_t value);

  /// Writes all that was added since the last time. For the thread that has time for it.
  void save();

  /// True until something could not be written; also when there is nothing to write to.
  bool is_whole() const { return whole_; }
  bool is_on() const { return !path_.empty(); }

 private:
  struct Line {
    std::int64_t time_ns;
    const char* event;
    std::int64_t value;
  };

  void write(const std::string& text);
  void fail(const char* call);

  std::string program_;
  std::string path_;
  net::FileDescriptor file_;
  std::mutex adding_;  // guards lines_, and keeps them in the order of their times
  std::vector<Line> lines_;
  std::mutex saving_;  // guards the file
  bool whole_ = true;
};

}  // namespace timeline
