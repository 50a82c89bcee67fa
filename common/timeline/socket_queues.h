#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>

#include "common/kernel/socket_diagnostics.h"
#include "common/net/file_descriptor.h"

namespace timeline {

/// Bytes that a TCP socket has taken over from send and the peer has not acknowledged yet (SIOCOUTQ); of
/// these, the ones not sent yet (SIOCOUTQNSD); bytes that have arrived and not been read yet (SIOCINQ).
/// Payload, not memory. A FIN under way counts as one byte. Throw SystemError. Source: tcp(7), ioctl calls.
std::int64_t unacknowledged_bytes(const net::FileDescriptor& connection);
std::int64_t unsent_bytes(const net::FileDescriptor& connection);
std::int64_t unread_bytes(const net::FileDescriptor& connection);

/// SO_SNDBUF and SO_RCVBUF: the kernel's bound for the memory of a queue, in bytes. Throw SystemError.
/// Source: socket(7).
std::int64_t send_buffer(const net::FileDescriptor& connection);
std::int64_t receive_buffer(const net::FileDescriptor& connection);

/// Ask for a buffer of `bytes`; the kernel doubles it, bounds it, and no longer tunes it. To take part in the
/// handshake, SO_RCVBUF has to be set on the listener, and SO_SNDBUF is best set before connect. Throw
/// SystemError.
void set_send_buffer(const net::FileDescriptor& socket, std::int64_t bytes);
void set_receive_buffer(const net::FileDescriptor& socket, std::int64_t bytes);

/// The other end of a connection, as the kernel's table of sockets shows it.
struct PeerQueues {
  std::int64_t unacknowledged = 0;
  std::int64_t unread = 0;
  std::int64_t send_buffer = 0;     ///< its SO_SNDBUF
  std::int64_t receive_buffer = 0;  ///< its SO_RCVBUF
  bool has_closed = false;          ///< its program has closed it; the kernel goes on delivering
};

/// Looks at the socket at the other end of a connection within this machine, whoever it belongs to, or nobody
/// any more. This is what `ss` uses. Source: sock_diag(7).
class PeerSocket {
 public:
  /// Throws SystemError: ENOTCONN when the connection was reset meanwhile.
  explicit PeerSocket(const net::FileDescriptor& connection);

  /// Nothing when the kernel has no such socket: it is gone, on another machine, or this kernel doesn't tell.
  std::optional<PeerQueues> ask() const;

 private:
  sockaddr_storage peer_{};
  sockaddr_storage ours_{};
  std::optional<kernel::SocketDiagnostics> diagnostics_;
};

}  // namespace timeline
