#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include "common/net/address.h"
#include "common/net/file_descriptor.h"

namespace harness {

/// One client of a behaviour check: calls that wait, but never longer than they are told to. All methods
/// throw net::SystemError for failures of the connection other than its orderly end.
class Client {
 public:
  using Duration = std::chrono::milliseconds;

  /// Connects, waiting at most `timeout` (then SystemError with ETIMEDOUT).
  explicit Client(const net::Address& server, Duration timeout = std::chrono::seconds(2));

  /// Sends all of `bytes`; SystemError with ETIMEDOUT if the peer doesn't take them in time.
  void send_all(std::span<const char> bytes, Duration timeout = std::chrono::seconds(2));

  /// Receives until there are `count` bytes, the peer has ended the stream, or `timeout` is over: returns
  /// what came.
  std::string receive(std::size_t count, Duration timeout);

  /// Sends `message` and receives as many bytes. True if they are the same and came in time.
  bool exchange(const std::string& message, Duration timeout = std::chrono::seconds(2));

  /// Sends until the peer has taken nothing for `quiet`, but at most `limit` bytes, and receives nothing.
  /// Returns how many were taken.
  std::size_t flood(std::size_t limit, Duration quiet);

  /// Sends `bytes` and receives at the same time, as an echo of more than the buffers hold needs; with
  /// `half_close` ends the own direction after the last byte. Returns all that came until as many bytes are
  /// back (without half_close), the peer has ended the stream, or `timeout` is over.
  std::string echo_all(std::span<const char> bytes, bool half_close, Duration timeout);

  /// True once the peer has ended the stream, after discarding whatever it sent before; waits at most
  /// `timeout`.
  bool at_end(Duration timeout);

  /// Ends the connection with a reset: SO_LINGER with 0 s (socket(7), tcp(7)).
  void reset();

  int fd() const { return socket_.fd(); }

 private:
  net::FileDescriptor socket_;
};

}  // namespace harness
