// How the connections are spread over processes.
#pragma once

#include <cstdint>

#include "labs/14-million-connections/limits.h"

namespace million {

std::int64_t divided_up(std::int64_t number, std::int64_t by);

std::int64_t cores();

/// As many processes as the descriptors make necessary, and at least one a core.
struct Plan {
  std::int64_t connections;
  std::int64_t processes;
  std::int64_t each;  // connections of one process
  Descriptors descriptors;
  Limit limit = Limit::none;  // what allows no more connections than these, known beforehand

  /// Raises the descriptor limit of this process, and so of its children. Throws SystemError.
  static Plan make(std::int64_t wish);
};

}  // namespace million
