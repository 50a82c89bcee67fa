#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "common/net/address.h"

namespace harness {

/// The local addresses of the sockets in LISTEN state that these processes hold; with `port`, only those of
/// this port. Read from /proc/net/tcp and tcp6 (proc_pid_net(5)): nobody is connected to, since a connection
/// changes what is looked at.
std::vector<net::Address> listening_addresses(const std::vector<pid_t>& processes,
                                              std::optional<std::uint16_t> port = std::nullopt);

}  // namespace harness
