#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <vector>

#include "common/net/address.h"
#include "common/net/file_descriptor.h"

namespace net {

/// A TCP connection to `address`, blocking. Nothing is set on it: Nagle's algorithm is on, the buffers are
/// the kernel's choice. Throws SystemError that names the call and the address.
FileDescriptor connect_to(const Address& address);

/// What is to be set on a socket before it connects, such as the size of a buffer.
using Prepare = std::function<void(const FileDescriptor&)>;

/// Bounds how long connect may take, and each blocking send after it: SO_SNDTIMEO (socket(7)). A connect that
/// took longer is a timeout, and a send says EAGAIN.
Prepare give_up_after(std::chrono::seconds patience);

/// For a socket that isn't connected: a receive buffer of 4 KiB and segments of 536 bytes. Some tens of
/// kilobytes fill the buffers of both ends then (tcp(7)). Throws SystemError.
void ask_for_small_buffers(const FileDescriptor& connection);

/// The same to the first of `addresses` that takes a connection: they are tried in turn, each as long as the
/// kernel tries, and each with a socket of its own. Throws SystemError that tells what each address said.
FileDescriptor connect_to(const std::vector<Address>& addresses, const Prepare& prepare = {});

/// The first of `addresses` that takes a connection within 2 s, for who makes many connections later. To find
/// it, one is made and closed at once; a single address is not asked, but returned. Throws SystemError as
/// connect_to.
Address find_reachable(const std::vector<Address>& addresses);

/// Sends all of `bytes` on a blocking socket, however many calls that takes: send may take less than it was
/// given (send(2)). Throws SystemError; how much the kernel had taken by then isn't told.
void send_all(const FileDescriptor& connection, std::span<const char> bytes);

}  // namespace net
