#pragma once

#include "common/net/file_descriptor.h"

/// The first client that comes. Takes the listener and closes it: one client is all that is wanted. Throws
/// SystemError.
net::FileDescriptor accept_one(net::FileDescriptor listener);
