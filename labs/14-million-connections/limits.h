// The limits that stand between a program and a million connections, and what it may do about each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/net/file_descriptor.h"

namespace million {

/// What can end the opening before the wish is reached.
enum class Limit : std::uint8_t {
  none,
  memory,
  kernel_memory,
  processes,
  descriptors,
  system_files,
  watches,
  ports,
  tracking
};

std::string explain(Limit limit);

/// The limit that a failed call has met; none if it failed for another reason.
Limit limit_behind(int error_number);

/// How many descriptors a process may have, and what became of the wish for more.
struct Descriptors {
  std::int64_t most;
  std::string remark;
};

/// Raises the limit of this process, and so of its children, to `wanted` if that may be: the soft limit up to
/// the hard one is everybody's right, the hard one needs CAP_SYS_RESOURCE and ends at fs.nr_open. Throws
/// SystemError. Source: getrlimit(2).
Descriptors raise_descriptor_limit(std::int64_t wanted);

/// Descriptors that are open in this process now.
std::int64_t open_descriptors();

/// How many connections the system's open files allow, two for each. A part is left to others: without it
/// nobody on this machine could open anything. (The kernel doesn't hold root to this limit; we do.) Source:
/// proc(5), /proc/sys/fs/file-nr.
std::int64_t connections_by_system_files();

/// How many processes may be started, half of the numbers being left to others. Source: proc(5).
std::int64_t processes_allowed();

/// True when the firewall's table of connections, which on many machines has a line for those inside the
/// machine too, is nearly full. Then the kernel would drop packets, of others too.
bool tracking_is_full();

/// The ports that the kernel gives to sockets that ask for none: the ephemeral range.
struct EphemeralPorts {
  std::int64_t first = 32768;
  std::int64_t last = 60999;

  static EphemeralPorts read();

  /// How many connections to one address and port are opened quickly. connect takes every second port of the
  /// range first (the others are bind's) and, when those are used up, goes through all of them again for each
  /// new connection.
  std::int64_t quick_connections() const;

  /// The ports that are never given out by themselves, the highest below the range first; all if there are
  /// none.
  std::vector<std::uint16_t> outside() const;
};

/// The n-th listening address, from 127.0.0.2 on: all of 127.0.0.0/8 is this machine (RFC 1122, section
/// 3.2.1.3).
std::string loopback_address(std::int64_t n);

/// A listener on that address, on the first port outside of the ephemeral range that nobody else has. Throws
/// SystemError.
net::FileDescriptor listen_outside(const EphemeralPorts& ephemeral, const std::string& address);

}  // namespace million
