#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/harness/processes/child_process.h"
#include "common/harness/processes/interruption.h"
#include "common/harness/processes/memory_file.h"
#include "common/harness/processes/reserved_port.h"
#include "common/net/address.h"

namespace harness {

/// The server could not be started, or ended when it should not have. what() is one line for the user.
class ServerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// This machine lacks what the server needs: it said so in its last line, which is what(), and ended with the
/// exit code net::cannot_run_here before it announced itself.
class CannotRunHere : public ServerError {
 public:
  using ServerError::ServerError;
};

/// How to start a server.
struct ServerCommand {
  /// Program and arguments. With `{port}` in an argument, a port is put there, and the server is ready when
  /// it listens on it (nobody connects to find out: that would be its first client); otherwise it is ready
  /// when it prints `listening on HOST:PORT`.
  std::vector<std::string> words;
  /// The core it may run on; none: all.
  std::optional<int> core = std::nullopt;
  /// Its limit of open descriptors (RLIMIT_NOFILE, soft and hard); none: the harness's own.
  std::optional<rlim_t> descriptor_limit = std::nullopt;
  /// The port for `{port}`; none: one that is free, and reserved as long as the server is here.
  std::optional<std::uint16_t> port = std::nullopt;
  /// Asked while it is not ready yet: Ctrl-C need not wait for a server that never is. None: not asked.
  const Interruption* interruption = nullptr;
  /// How long it may take to become ready.
  std::chrono::milliseconds start_timeout{10'000};
};

/// A server that runs as a child (child_process.h says what that means): the destructor ends it and all that
/// it has started.
class ServerProcess {
 public:
  /// Starts it and waits until it accepts connections. Throws ServerError, Interrupted.
  explicit ServerProcess(const ServerCommand& command);

  pid_t pid() const { return child_.pid(); }
  /// Where clients connect: the address that it has announced. For `{port}` the one where it listens, and in
  /// place of 0.0.0.0 or :: the loopback address of that family.
  const net::Address& address() const { return address_; }
  /// The local addresses of its sockets in LISTEN state on the port that address() has.
  std::vector<net::Address> listens_on() const;

  /// True while it runs.
  bool alive() { return !child_.has_ended(); }
  /// For the evidence of a check: "still runs", "exit 1" or "killed by signal 13 (SIGPIPE)".
  std::string how_it_fares() { return child_.how_it_fares(); }
  /// One that has ended takes no notice.
  void send_signal(int signal) const { child_.send_signal(signal); }
  /// Halts it: from the return of this call on it does nothing, until it gets SIGCONT. False when it has
  /// ended.
  bool pause() { return child_.pause(); }
  /// Waits for its end, at most `timeout`: "exit 0", "killed by signal 15 (SIGTERM)"; none if it still runs.
  std::optional<std::string> wait_for_end(std::chrono::milliseconds timeout);
  /// True if it has ended by this signal.
  bool ended_by(int signal) { return child_.ended_by(signal); }
  /// Which of its processes live: itself, what it has started, and what went into the background.
  std::vector<pid_t> living_processes() const { return child_.living_family(); }
  /// The last line that it wrote to stderr that isn't empty; empty if none.
  std::string last_words() const;
  /// All that it has written there so far.
  std::string said_on_stderr() const { return stderr_.contents(); }

 private:
  void wait_until_ready(const ServerCommand& command);
  bool is_ready(const std::string& name);
  [[noreturn]] void tell_of_end(const std::string& name);
  std::string why_not_ready(const std::string& name, const ServerCommand& command) const;

  std::optional<ReservedPort> reserved_;  // for {port}, unless the command names one
  std::optional<std::uint16_t> port_;     // that it was told, by {port}
  MemoryFile stdout_;
  MemoryFile stderr_;
  ChildProcess child_;
  net::Address address_;
};

/// `text` as it may stand in a line for the user: control characters become '?', and what is longer than
/// `at_most` bytes ends in "...". Commands and what servers print may hold anything.
std::string on_one_line(const std::string& text, std::size_t at_most);

}  // namespace harness
