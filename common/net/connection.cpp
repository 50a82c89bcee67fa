#include "common/net/connection.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/net/system_error.h"

namespace net {

namespace {

// A signal can interrupt connect, but not the kernel's connecting: a second connect would only say EALREADY.
// So wait until it is done, and ask how it went. Source: connect(2), EINTR and EINPROGRESS.
int finish_connecting(int fd) {
  pollfd connecting{.fd = fd, .events = POLLOUT, .revents = 0};
  while (poll(&connecting, 1, -1) < 0) {
    if (errno != EINTR) throw SystemError("poll");
  }
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) {
    throw SystemError("getsockopt SO_ERROR");
  }
  return error;
}

}  // namespace

FileDescriptor connect_to(const Address& address) {
  FileDescriptor connection{socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP)};
  if (!connection) throw SystemError("socket");
  if (connect(connection.fd(), address.data(), address.size()) == 0) return connection;
  int error = errno;
  if (error == EINTR) error = finish_connecting(connection.fd());
  if (error != 0) throw SystemError("connect " + address.to_string(), error);
  return connection;
}

void send_all(const FileDescriptor& connection, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(connection.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) throw SystemError("send");
    if (sent > 0) bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

}  // namespace net
