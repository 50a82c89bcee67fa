#include "common/harness/judging/queues.h"

#include <sys/socket.h>

#include "common/kernel/socket_diagnostics.h"
#include "common/net/system_error.h"

namespace harness {

Queues queues_of(const Peer& peer) try {
  sockaddr_storage ours{};
  sockaddr_storage theirs{};
  socklen_t size = sizeof ours;
  if (getsockname(peer.fd(), reinterpret_cast<sockaddr*>(&ours), &size) < 0)
    throw net::SystemError("getsockname");
  size = sizeof theirs;
  if (getpeername(peer.fd(), reinterpret_cast<sockaddr*>(&theirs), &size) < 0)
    throw net::SystemError("getpeername");
  const kernel::SocketDiagnostics diagnostics;
  const auto here = diagnostics.find(ours, theirs).value_or(kernel::DiagnosedSocket{});
  const auto there = diagnostics.find(theirs, ours).value_or(kernel::DiagnosedSocket{});
  return {.unread_here = here.unread,
          .unacknowledged_here = here.unacknowledged,
          .unread_there = there.unread,
          .unacknowledged_there = there.unacknowledged};
} catch (const net::SystemError&) {
  return {};
}

bool is_under_way(const Queues& queues) {
  return (queues.unacknowledged_there > 0 && queues.unread_here == 0) ||
         (queues.unacknowledged_here > 0 && queues.unread_there == 0);
}

}  // namespace harness
