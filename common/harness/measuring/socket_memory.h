#pragma once

#include <cstdint>

namespace harness {

/// Kernel memory that the sockets of one local TCP port hold for their data.
struct SocketMemory {
  std::int64_t sockets = 0;  ///< connections, the listener not counted
  std::int64_t bytes = 0;    ///< receive and send queues, forward allocation, options and backlog
};

/// Asks the kernel's socket diagnostics for all TCP sockets whose local port is `port`: of a connection on
/// loopback that is the server's end only. Throws net::SystemError. Sources: sock_diag(7); `ss -tm` shows the
/// same figures.
SocketMemory socket_memory_of_port(std::uint16_t port);

}  // namespace harness
