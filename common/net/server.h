#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/net/command_line.h"
#include "common/net/complaint.h"
#include "common/net/file_descriptor.h"

namespace net {

/// What every echo server of the lab does before and after its I/O model, so that its own file holds the
/// model alone:
///
///   1. parses `--host` (default 127.0.0.1) and `--port` (default 9000; 0 takes a free one), and what a
///   request is to cost
///      beside its bytes (request_work.h),
///   2. lets SIGTERM and SIGINT end the process at once with exit code 0,
///   3. opens the listener and prints `listening on HOST:PORT` on stdout,
///   4. calls `serve`, which is not expected to return.
///
/// `description` says in a sentence what the server shows. An exception out of `serve` becomes one line on
/// stderr. Returns the exit code for main: 1 after an error. `add_options` may add options of the server's
/// own.
int run_server(
    int argc, char** argv, const std::string& description, const std::function<void(FileDescriptor)>& serve,
    const std::function<void(CommandLine&)>& add_options = [](CommandLine&) {});

/// The exit code of a program that this machine lacks something for, said on stderr before. (The convention
/// of Automake's tests for "skipped".)
inline constexpr int cannot_run_here = 77;

/// Steps 1 and 3 for a program with options of its own. It must outlive the command line's parse().
class ListenOptions {
 public:
  explicit ListenOptions(CommandLine& options);

  /// Opens the listener and announces it; `share_port` as for open_listener. Throws UnresolvedHost,
  /// SystemError.
  FileDescriptor listen_and_announce(bool share_port = false) const;

 private:
  std::string host_ = "127.0.0.1";
  std::int64_t port_ = 9000;
};

/// The same for a program that connects: `--host` (default 127.0.0.1) and `--port` (default 9000).
class ConnectOptions {
 public:
  explicit ConnectOptions(CommandLine& options);

  /// Connects. Throws UnresolvedHost, SystemError.
  FileDescriptor connect() const;

 private:
  std::string host_ = "127.0.0.1";
  std::int64_t port_ = 9000;
};

/// Runs `body` and returns its result as main should: an exception becomes one line on stderr behind
/// `program` and exit code 1, an unresolved host exit code 2. SIGPIPE is ignored before: sending to a peer
/// that has gone is to be an error of that call (EPIPE) and not the end of the program.
int run_program(const std::string& program, const std::function<int()>& body);

/// Lets SIGTERM and SIGINT end the process at once, exit code 0. The handler calls _exit, which is
/// async-signal-safe (signal-safety(7)). A handler that set a flag for the loop to see would have a race: a
/// signal between the test of the flag and the wait is noticed only after the wait. Throws SystemError.
void exit_on_signal();

}  // namespace net
