#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/harness/processes/interruption.h"
#include "common/harness/processes/memory_file.h"
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
  /// Program and arguments. With `{port}` in an argument, a free port is put there and the server is ready
  /// when it accepts a connection on 127.0.0.1; otherwise it is ready when it prints `listening on
  /// HOST:PORT`.
  std::vector<std::string> words;
  /// The core it may run on; none: all.
  std::optional<int> core = std::nullopt;
  /// Its limit of open descriptors (RLIMIT_NOFILE, soft and hard); none: the harness's own.
  std::optional<rlim_t> descriptor_limit = std::nullopt;
  /// Asked while it is not ready yet: Ctrl-C need not wait for a server that never is. None: not asked.
  const Interruption* interruption = nullptr;
  /// How long it may take to become ready.
  std::chrono::milliseconds start_timeout{10'000};
};

/// A server that runs as a child, in a process group of its own. The destructor kills the group and reaps the
/// child; should the harness itself be killed, the kernel kills the child (PR_SET_PDEATHSIG).
class ServerProcess {
 public:
  /// Starts it and waits until it accepts connections. Throws ServerError, Interrupted.
  explicit ServerProcess(const ServerCommand& command);
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess();

  pid_t pid() const { return pid_; }
  const net::Address& address() const { return address_; }

  /// True while it runs.
  bool alive();
  void send_signal(int signal) const;
  /// Waits for its end, at most `timeout`: "exit 0", "killed by signal 15 (Terminated)"; none if it still
  /// runs.
  std::optional<std::string> wait_for_end(std::chrono::milliseconds timeout);
  /// The last line that it wrote to stderr; empty if none.
  std::string last_words() const;

 private:
  void start(const ServerCommand& command, const std::vector<std::string>& words);
  void wait_until_ready(const ServerCommand& command, std::optional<std::uint16_t> port);
  void kill_group() noexcept;

  pid_t pid_ = -1;
  std::optional<int> status_;  // of waitpid, once it has ended
  MemoryFile stdout_;
  MemoryFile stderr_;
  net::Address address_;
};

/// `text` as it may stand in a line for the user: control characters become '?', and what is longer than
/// `at_most` bytes ends in "...". Commands and what servers print may hold anything.
std::string on_one_line(const std::string& text, std::size_t at_most);

/// A TCP port of 127.0.0.1 that is free now. Another program may take it before it is used.
std::uint16_t find_free_port();

}  // namespace harness
