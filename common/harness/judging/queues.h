#pragma once

#include <cstdint>

namespace harness {

/// Bytes unread and unacknowledged at both ends of a connection. They stay as they are while its server
/// leaves it alone.
struct Queues {
  std::int64_t near_unread = 0;
  std::int64_t near_unacknowledged = 0;
  std::int64_t far_unread = 0;
  std::int64_t far_unacknowledged = 0;

  bool operator==(const Queues&) const = default;
};

/// Those of a connected socket of the judge's. Zeros if it is gone, or the kernel doesn't tell.
Queues queues_of(int fd);

/// True if bytes are the kernel's to deliver, and nobody else's: one end has handed them over, and the other
/// has read all that had come. With small windows they can wait for a timer that doubles each time (RFC 1122
/// 4.2.2.17), for seconds.
bool is_under_way(const Queues& queues);

}  // namespace harness
