#pragma once

#include <cstdint>

#include "common/harness/judging/peer.h"

namespace harness {

/// Bytes in the kernel at both ends of a connection. They stay as they are while its server leaves it alone.
struct Queues {
  std::int64_t unread_here = 0;
  std::int64_t unacknowledged_here = 0;  ///< sent by the peer, or still to be sent by its kernel
  std::int64_t unread_there = 0;
  std::int64_t unacknowledged_there = 0;

  bool operator==(const Queues&) const = default;
};

/// All of them 0 where the connection is gone, its server is elsewhere, or this kernel doesn't tell.
Queues queues_of(const Peer& peer);

/// True if bytes are the kernel's to deliver, and nobody's else: one end has handed them over, and the other
/// has read all that had come. With small windows they can wait for a timer that doubles each time (RFC 1122
/// 4.2.2.17), for seconds.
bool is_under_way(const Queues& queues);

}  // namespace harness
