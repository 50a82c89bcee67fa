#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "common/harness/processes/memory_file.h"

namespace harness {

/// System calls can't be counted here; what() says why.
class NotCounted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws NotCounted where strace isn't installed.
void require_strace();

/// The command that starts `words` under strace, which writes into `file` of all its processes and threads:
/// each call, or with `more` another thing, as in "-c" for a table at the end. The process that is started is
/// that of `words`, to be signalled and looked at; the tracer is a grandchild. Source: strace(1).
std::vector<std::string> under_strace(const std::vector<std::string>& words, const MemoryFile& file,
                                      const std::string& more = {});

}  // namespace harness
