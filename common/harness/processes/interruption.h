#pragma once

#include <stdexcept>
#include <string>

#include "common/net/file_descriptor.h"

namespace harness {

/// The user (SIGINT) or the system (SIGTERM, SIGHUP) wants the harness to end.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(const std::string& what = "interrupted") : std::runtime_error(what) {}
};

/// Turns SIGINT, SIGTERM and SIGHUP into something that can be asked for at safe points, so that servers are
/// stopped and files closed by the ordinary way out. Blocks those signals for the calling thread and the
/// threads that it starts later; a child process has to unblock them (ServerProcess does). Source:
/// signalfd(2).
class Interruption {
 public:
  /// Throws net::SystemError.
  Interruption();
  /// Throws Interrupted once one of the signals has arrived.
  void check() const;
  /// Becomes readable when one has arrived: for a loop that waits on other descriptors as well.
  int fd() const { return signals_.fd(); }

 private:
  net::FileDescriptor signals_;
};

}  // namespace harness
