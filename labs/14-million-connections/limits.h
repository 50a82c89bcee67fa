// The limits that stand between a program and a million connections, and what it may do about each.
#pragma once

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "common/kernel/numbers.h"
#include "common/net/address.h"
#include "common/net/listener.h"
#include "common/net/system_error.h"

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

inline std::string explain(Limit limit) {
  switch (limit) {
    case Limit::none:
      return "nothing";
    case Limit::memory:
      return "memory: the rest is to stay free (--keep-free)";
    case Limit::kernel_memory:
      return "memory: the kernel has refused more (ENOMEM or ENOBUFS)";
    case Limit::processes:
      return "the number of processes (kernel.pid_max, kernel.threads-max, ulimit -u)";
    case Limit::descriptors:
      return "the descriptors of a process (EMFILE, ulimit -n)";
    case Limit::system_files:
      return "the open files of the whole system (fs.file-max)";
    case Limit::watches:
      return "what one user may watch by epoll (fs.epoll.max_user_watches)";
    case Limit::ports:
      return "ports: none was free for a connection (net.ipv4.ip_local_port_range)";
    case Limit::tracking:
      return "the firewall's table of connections (net.netfilter.nf_conntrack_max)";
  }
  return "";
}

/// The limit that a failed call has met; none if it failed for another reason.
inline Limit limit_behind(int error_number) {
  switch (error_number) {
    case EMFILE:
      return Limit::descriptors;
    case ENFILE:
      return Limit::system_files;
    case ENOSPC:
      return Limit::watches;
    case EADDRNOTAVAIL:
      return Limit::ports;
    case ENOMEM:
    case ENOBUFS:
      return Limit::kernel_memory;
    default:
      return Limit::none;
  }
}

/// How many descriptors a process may have, and what became of the wish for more.
struct Descriptors {
  std::int64_t most;
  std::string remark;
};

/// Raises the limit of this process, and so of its children, to `wanted` if that may be: the soft limit up to
/// the hard one is everybody's right, the hard one needs CAP_SYS_RESOURCE and ends at fs.nr_open. Throws
/// SystemError. Source: getrlimit(2).
inline Descriptors raise_descriptor_limit(std::int64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) throw net::SystemError("getrlimit RLIMIT_NOFILE");
  const auto ceiling = static_cast<rlim_t>(kernel::number_in("/proc/sys/fs/nr_open").value_or(1024 * 1024));
  const rlim_t raised = std::min(static_cast<rlim_t>(wanted), ceiling);
  std::string remark = "as many as are needed";
  if (raised > limit.rlim_max) {
    const rlimit higher{raised, raised};
    if (setrlimit(RLIMIT_NOFILE, &higher) == 0)
      return {static_cast<std::int64_t>(raised), "hard limit raised"};
    remark = fmt::format("the hard limit; raising it: {}", std::strerror(errno));
  }
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(raised, limit.rlim_max));
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0) throw net::SystemError("setrlimit RLIMIT_NOFILE");
  return {static_cast<std::int64_t>(limit.rlim_cur), remark};
}

/// Descriptors that are open in this process now.
inline std::int64_t open_descriptors() {
  const std::filesystem::directory_iterator folder("/proc/self/fd");
  return std::distance(begin(folder), end(folder)) - 1;  // without the one that reads the folder
}

/// How many connections the system's open files allow, two for each. A part is left to others: without it
/// nobody on this machine could open anything. (The kernel doesn't hold root to this limit; we do.) Source:
/// proc(5), /proc/sys/fs/file-nr.
inline std::int64_t connections_by_system_files() {
  const std::vector<std::int64_t> files = kernel::numbers_in("/proc/sys/fs/file-nr");
  return files.size() < 3 ? INT64_MAX : std::max<std::int64_t>(0, (files[2] - files[0]) / 20 * 19 / 2);
}

/// How many processes may be started, half of the numbers being left to others. Source: proc(5).
inline std::int64_t processes_allowed() {
  const std::int64_t numbers = std::min(kernel::number_in("/proc/sys/kernel/pid_max").value_or(32768),
                                        kernel::number_in("/proc/sys/kernel/threads-max").value_or(32768));
  return std::max<std::int64_t>(1, (numbers - kernel::threads_of_the_machine()) / 2);
}

/// True when the firewall's table of connections, which on many machines has a line for those inside the
/// machine too, is nearly full. Then the kernel would drop packets, of others too.
inline bool tracking_is_full() {
  const std::int64_t most = kernel::number_in("/proc/sys/net/netfilter/nf_conntrack_max").value_or(0);
  return most > 0 &&
         kernel::number_in("/proc/sys/net/netfilter/nf_conntrack_count").value_or(0) >= most / 20 * 19;
}

/// The ports that the kernel gives to sockets that ask for none: the ephemeral range.
struct EphemeralPorts {
  std::int64_t first = 32768;
  std::int64_t last = 60999;

  static EphemeralPorts read() {
    const std::vector<std::int64_t> range = kernel::numbers_in("/proc/sys/net/ipv4/ip_local_port_range");
    return range.size() < 2 ? EphemeralPorts{} : EphemeralPorts{range[0], range[1]};
  }

  /// How many connections to one address and port are opened quickly. connect takes every second port of the
  /// range first (the others are bind's) and, when those are used up, goes through all of them again for each
  /// new connection.
  std::int64_t quick_connections() const { return std::max<std::int64_t>(1, (last - first + 1) / 2); }

  /// The ports that are never given out by themselves, the highest below the range first; all if there are
  /// none.
  std::vector<std::uint16_t> outside() const {
    std::vector<std::uint16_t> ports;
    const auto add = [&](std::int64_t from, std::int64_t down_to) {
      for (; from >= down_to; --from) ports.push_back(static_cast<std::uint16_t>(from));
    };
    add(first - 1, 1024);
    add(65535, last + 1);
    if (ports.empty()) add(65535, 1024);
    return ports;
  }
};

/// The n-th listening address, from 127.0.0.2 on: all of 127.0.0.0/8 is this machine (RFC 1122, section
/// 3.2.1.3).
inline std::string loopback_address(std::int64_t n) {
  const std::int64_t host = n + 2;
  return fmt::format("127.{}.{}.{}", host >> 16 & 255, host >> 8 & 255, host & 255);
}

/// A listener on that address, on the first port outside of the ephemeral range that nobody else has. Throws
/// SystemError.
inline net::FileDescriptor listen_outside(const EphemeralPorts& ephemeral, const std::string& address) {
  for (const std::uint16_t port : ephemeral.outside()) {
    try {
      return net::open_listener(net::Address::resolve(address, port));
    } catch (const net::SystemError& error) {
      if (error.error_number() != EADDRINUSE) throw;
    }
  }
  throw net::SystemError("bind " + address + ", every port outside of the ephemeral range", EADDRINUSE);
}

}  // namespace million
