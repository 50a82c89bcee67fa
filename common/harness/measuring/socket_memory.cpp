#include "common/harness/measuring/socket_memory.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include "common/kernel/socket_diagnostics.h"

namespace harness {

namespace {

std::int64_t held_bytes(const kernel::DiagnosedSocket& socket) {
  std::int64_t bytes = 0;
  for (const auto part : {SK_MEMINFO_RMEM_ALLOC, SK_MEMINFO_WMEM_QUEUED, SK_MEMINFO_FWD_ALLOC,
                          SK_MEMINFO_OPTMEM, SK_MEMINFO_BACKLOG}) {
    bytes += socket.memory.at(static_cast<std::size_t>(part));
  }
  return bytes;
}

}  // namespace

SocketMemory socket_memory_of_port(std::uint16_t port) {
  SocketMemory total;
  const kernel::SocketDiagnostics diagnostics;
  for (const int family : {AF_INET, AF_INET6}) {
    diagnostics.for_each(family, [port, &total](const kernel::DiagnosedSocket& socket) {
      if (socket.local_port != port) return;
      ++total.sockets;
      total.bytes += held_bytes(socket);
    });
  }
  return total;
}

}  // namespace harness
