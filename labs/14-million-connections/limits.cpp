#include "labs/14-million-connections/limits.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/kernel/numbers.h"
#include "common/net/address.h"
#include "common/net/listener.h"
#include "common/net/system_error.h"

namespace million {

std::string explain(Limit limit) {
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

Limit limit_behind(int error_number) {
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

Descriptors raise_descriptor_limit(std::int64_t wanted) {
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

std::int64_t open_descriptors() {
  const std::filesystem::directory_iterator folder("/proc/self/fd");
  return std::distance(begin(folder), end(folder)) - 1;  // without the one that reads the folder
}

std::int64_t connections_by_system_files() {
  const std::vector<std::int64_t> files = kernel::numbers_in("/proc/sys/fs/file-nr");
  return files.size() < 3 ? INT64_MAX : std::max<std::int64_t>(0, (files[2] - files[0]) / 20 * 19 / 2);
}

std::int64_t processes_allowed() {
  const std::int64_t numbers = std::min(kernel::number_in("/proc/sys/kernel/pid_max").value_or(32768),
                                        kernel::number_in("/proc/sys/kernel/threads-max").value_or(32768));
  return std::max<std::int64_t>(1, (numbers - kernel::threads_of_the_machine()) / 2);
}

bool tracking_is_full() {
  const std::int64_t most = kernel::number_in("/proc/sys/net/netfilter/nf_conntrack_max").value_or(0);
  return most > 0 &&
         kernel::number_in("/proc/sys/net/netfilter/nf_conntrack_count").value_or(0) >= most / 20 * 19;
}

std::string loopback_address(std::int64_t n) {
  const std::int64_t host = n + 2;
  return fmt::format("127.{}.{}.{}", host >> 16 & 255, host >> 8 & 255, host & 255);
}

net::FileDescriptor listen_outside(const EphemeralPorts& ephemeral, const std::string& address) {
  for (const std::uint16_t port : ephemeral.outside()) {
    try {
      return net::open_listener(net::Address::resolve(address, port));
    } catch (const net::SystemError& error) {
      if (error.error_number() != EADDRINUSE) throw;
    }
  }
  throw net::SystemError("bind " + address + ", every port outside of the ephemeral range", EADDRINUSE);
}

EphemeralPorts EphemeralPorts::read() {
  const std::vector<std::int64_t> range = kernel::numbers_in("/proc/sys/net/ipv4/ip_local_port_range");
  return range.size() < 2 ? EphemeralPorts{} : EphemeralPorts{range[0], range[1]};
}

std::int64_t EphemeralPorts::quick_connections() const {
  return std::max<std::int64_t>(1, (last - first + 1) / 2);
}

std::vector<std::uint16_t> EphemeralPorts::outside() const {
  std::vector<std::uint16_t> ports;
  const auto add = [&](std::int64_t from, std::int64_t down_to) {
    for (; from >= down_to; --from) ports.push_back(static_cast<std::uint16_t>(from));
  };
  add(first - 1, 1024);
  add(65535, last + 1);
  if (ports.empty()) add(65535, 1024);
  return ports;
}

}  // namespace million
