#include "common/timeline/socket_queues.h"

#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/net/system_error.h"

namespace timeline {

namespace {

std::int64_t asked(const net::FileDescriptor& connection, unsigned long request, const char* name) {
  int bytes = 0;
  if (ioctl(connection.fd(), request, &bytes) < 0) throw net::SystemError(name);
  return bytes;
}

std::int64_t option(const net::FileDescriptor& socket, int option, const char* name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (getsockopt(socket.fd(), SOL_SOCKET, option, &value, &size) < 0) throw net::SystemError(name);
  return value;
}

void set_option(const net::FileDescriptor& socket, int option, std::int64_t value, const char* name) {
  const int bytes = static_cast<int>(value);
  if (setsockopt(socket.fd(), SOL_SOCKET, option, &bytes, sizeof bytes) < 0) throw net::SystemError(name);
}

}  // namespace

std::int64_t unacknowledged_bytes(const net::FileDescriptor& connection) {
  return asked(connection, SIOCOUTQ, "ioctl SIOCOUTQ");
}

std::int64_t unsent_bytes(const net::FileDescriptor& connection) {
  return asked(connection, SIOCOUTQNSD, "ioctl SIOCOUTQNSD");
}

std::int64_t unread_bytes(const net::FileDescriptor& connection) {
  return asked(connection, SIOCINQ, "ioctl SIOCINQ");
}

std::int64_t send_buffer(const net::FileDescriptor& connection) {
  return option(connection, SO_SNDBUF, "getsockopt SO_SNDBUF");
}

std::int64_t receive_buffer(const net::FileDescriptor& connection) {
  return option(connection, SO_RCVBUF, "getsockopt SO_RCVBUF");
}

void set_send_buffer(const net::FileDescriptor& socket, std::int64_t bytes) {
  set_option(socket, SO_SNDBUF, bytes, "setsockopt SO_SNDBUF");
}

void set_receive_buffer(const net::FileDescriptor& socket, std::int64_t bytes) {
  set_option(socket, SO_RCVBUF, bytes, "setsockopt SO_RCVBUF");
}

PeerSocket::PeerSocket(const net::FileDescriptor& connection) {
  socklen_t size = sizeof peer_;
  if (getpeername(connection.fd(), reinterpret_cast<sockaddr*>(&peer_), &size) < 0) {
    throw net::SystemError("getpeername");
  }
  size = sizeof ours_;
  if (getsockname(connection.fd(), reinterpret_cast<sockaddr*>(&ours_), &size) < 0) {
    throw net::SystemError("getsockname");
  }
  try {
    diagnostics_.emplace();
  } catch (const net::SystemError&) {
    // This kernel doesn't tell: then nobody is there.
  }
}

std::optional<PeerQueues> PeerSocket::ask() const try {
  if (!diagnostics_) return std::nullopt;
  const auto found = diagnostics_->find(peer_, ours_);
  if (!found) return std::nullopt;
  const bool open = found->state == TCP_ESTABLISHED || found->state == TCP_CLOSE_WAIT;
  return PeerQueues{.unacknowledged = found->unacknowledged,
                    .unread = found->unread,
                    .send_buffer = found->memory[SK_MEMINFO_SNDBUF],
                    .receive_buffer = found->memory[SK_MEMINFO_RCVBUF],
                    .has_closed = !open};
} catch (const net::SystemError&) {
  return std::nullopt;
}

}  // namespace timeline
