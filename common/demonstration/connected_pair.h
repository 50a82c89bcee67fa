#pragma once

#include <cstddef>

#include "common/net/file_descriptor.h"

namespace demonstration {

/// Both ends of one TCP connection on loopback, in one program. Both block.
struct ConnectedPair {
  net::FileDescriptor ours;
  net::FileDescriptor peer;
};

/// What both ends ask for with SO_SNDBUF and SO_RCVBUF, in bytes, before they are connected; 0 leaves it to
/// the kernel.
struct Buffers {
  int send = 0;
  int receive = 0;
};

/// Connects. `ours` is the accepted end, so its buffers are its listener's. Throws net::SystemError.
ConnectedPair connected_pair(Buffers buffers = {});

/// Sends zeros until the kernel takes no more, and never waits. Returns how many bytes it took. Throws
/// net::SystemError.
std::size_t fill(const net::FileDescriptor& connection);

/// SO_LINGER with a time of 0: close will throw away what waits to be sent, and reset the connection. Throws
/// net::SystemError. Source: socket(7), RFC 9293 section 3.10.5 (ABORT).
void reset_on_close(const net::FileDescriptor& connection);

}  // namespace demonstration
