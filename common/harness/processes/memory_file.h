#pragma once

#include <sys/types.h>

#include <string>

#include "common/net/file_descriptor.h"

namespace harness {

/// A file in memory, for what a program writes: unlike a pipe it never fills up and blocks the program, and
/// nothing is left on disk, however the harness ends. Source: memfd_create(2).
class MemoryFile {
 public:
  /// `name` is only seen in /proc. Throws net::SystemError.
  explicit MemoryFile(const char* name);

  /// For dup2 and fstat; ownership stays here.
  int fd() const { return file_.fd(); }

  /// A path by which another program can open it as long as this object lives.
  std::string path() const;

  /// All that stands in it from the byte `from` on. Throws net::SystemError.
  std::string contents(off_t from = 0) const;

 private:
  net::FileDescriptor file_;
};

}  // namespace harness
