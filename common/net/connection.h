#pragma once

#include <span>

#include "common/net/address.h"
#include "common/net/file_descriptor.h"

namespace net {

/// A TCP connection to `address`, blocking. Nothing is set on it: Nagle's algorithm is on, the buffers are
/// the kernel's choice. Throws SystemError that names the call and the address.
FileDescriptor connect_to(const Address& address);

/// Sends all of `bytes` on a blocking socket, however many calls that takes: send may take less than it was
/// given (send(2)). Throws SystemError; how much the kernel had taken by then isn't told.
void send_all(const FileDescriptor& connection, std::span<const char> bytes);

}  // namespace net
