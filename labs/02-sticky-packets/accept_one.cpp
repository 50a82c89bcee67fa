#include "labs/02-sticky-packets/accept_one.h"

#include <sys/socket.h>

#include <cerrno>

#include "common/net/system_error.h"

net::FileDescriptor accept_one(net::FileDescriptor listener) {
  for (;;) {
    net::FileDescriptor connection{accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!connection && errno != EINTR) throw net::SystemError("accept4");
    if (connection) return connection;
  }
}
