#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "common/net/file_descriptor.h"

namespace kernel {

/// One TCP socket of this machine, as the kernel's table of them shows it: what `ss` prints.
struct DiagnosedSocket {
  std::uint16_t local_port = 0;
  std::uint8_t state = 0;           ///< TCP_ESTABLISHED and its like of netinet/tcp.h
  std::int64_t unread = 0;          ///< bytes that have arrived
  std::int64_t unacknowledged = 0;  ///< bytes that it has sent, or is to send
  /// Memory of its queues in bytes, at the places SK_MEMINFO_RMEM_ALLOC and its like of linux/sock_diag.h;
  /// zeros where the kernel doesn't tell.
  std::array<std::uint32_t, 16> memory{};
};

/// Asks the kernel about sockets, whoever they belong to, or nobody any more. Sources: sock_diag(7),
/// netlink(7).
class SocketDiagnostics {
 public:
  /// Throws net::SystemError where there is no such thing (a sandbox, a kernel without it).
  SocketDiagnostics();

  /// The socket with these two ends. None: it is gone, or never was on this machine. Throws net::SystemError.
  std::optional<DiagnosedSocket> find(const sockaddr_storage& local, const sockaddr_storage& remote) const;

  /// Calls `see` with each TCP socket of the family that is neither a listener nor in TIME-WAIT; with none
  /// where the machine lacks the family. Throws net::SystemError.
  void for_each(int family, const std::function<void(const DiagnosedSocket&)>& see) const;

 private:
  net::FileDescriptor netlink_;
};

}  // namespace kernel
