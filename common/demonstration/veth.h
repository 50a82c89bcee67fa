#pragma once

#include <string>

#include "common/net/file_descriptor.h"

namespace demonstration {

/// Makes a virtual cable: an interface `name` in the calling thread's network namespace, and its other end,
/// of the same name, in namespace `other`. Both are down and have no address. Goes when one of the namespaces
/// goes. Throws net::SystemError. Sources: veth(4), rtnetlink(7), netlink(7).
void make_cable(const std::string& name, const net::FileDescriptor& other);

}  // namespace demonstration
