#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace net {

/// The bytes of one connection that wait to go back because its socket's send buffer was full, oldest first.
/// Empty, it holds no memory. It knows no socket and sets itself no limit: a server bounds it by not reading
/// from the connection until it is empty again.
class PendingBytes {
 public:
  bool empty() const { return bytes_.empty(); }

  /// All that waits, oldest byte first. Valid until the next append or consume.
  std::span<const char> bytes() const { return std::span(bytes_).subspan(consumed_); }

  /// Adds a copy of `more` at the end.
  void append(std::span<const char> more);

  /// Drops the oldest `count` bytes, which have been sent; frees the memory with the last of them. Throws
  /// std::out_of_range if there are fewer.
  void consume(std::size_t count);

 private:
  std::vector<char> bytes_;
  std::size_t consumed_ = 0;  // a count, so that taking from the front moves no bytes
};

}  // namespace net
