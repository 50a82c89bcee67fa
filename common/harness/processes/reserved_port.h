#pragma once

#include <cstdint>

#include "common/net/file_descriptor.h"

namespace harness {

/// True if a server that doesn't set SO_REUSEADDR can bind to the port on 127.0.0.1: nobody listens on it,
/// and none of its connections lingers in TIME-WAIT. Throws net::SystemError. Source: ip(7), tcp(7).
bool is_free(std::uint16_t port);

/// A TCP port for a server that has to be told one, as long as this object lives. A port that the kernel gave
/// out for port 0, and that was closed again, may be anybody's a moment later: the next client's that
/// connects, the next server's that asks for port 0. This one lies below the range that the kernel gives out
/// by itself (ip_local_port_range, ip(7)), it is free, and no other object of this kind has it, in
/// no process: the reservation is a name in the abstract namespace (unix(7)), which the kernel frees with the
/// process.
class ReservedPort {
 public:
  /// Throws net::SystemError if none is free.
  ReservedPort();
  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_ = 0;
  net::FileDescriptor reservation_;
};

}  // namespace harness
