#include "common/harness/judging/queues.h"

#include <sys/socket.h>

#include "common/kernel/socket_diagnostics.h"
#include "common/net/system_error.h"

namespace harness {

Queues queues_of(int fd) try {
  sockaddr_storage ours{};
  sockaddr_storage theirs{};
  socklen_t size = sizeof ours;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&ours), &size) < 0) throw net::SystemError("getsockname");
  size = sizeof theirs;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&theirs), &size) < 0) throw net::SystemError("getpeername");
  const kernel::SocketDiagnostics diagnostics;
  const auto near = diagnostics.find(ours, theirs).value_or(kernel::DiagnosedSocket{});
  const auto far = diagnostics.find(theirs, ours).value_or(kernel::DiagnosedSocket{});
  return {near.unread, near.unacknowledged, far.unread, far.unacknowledged};
} catch (const net::SystemError&) {
  return {};
}

bool is_under_way(const Queues& queues) {
  return (queues.far_unacknowledged > 0 && queues.near_unread == 0) ||
         (queues.near_unacknowledged > 0 && queues.far_unread == 0);
}

}  // namespace harness
