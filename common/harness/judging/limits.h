#pragma once

#include <cstdint>

#include "common/harness/processes/server_process.h"

namespace harness {

/// Ends the check (not applicable) when the judge itself can't have `count` descriptors.
void need_descriptors(std::uint64_t count);

/// The limit of descriptors with which a server that holds what this one holds has room for `more`.
std::uint64_t limit_for(const ServerProcess& process, std::uint64_t more);

}  // namespace harness
