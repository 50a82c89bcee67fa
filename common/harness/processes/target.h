#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/harness/processes/known_servers.h"
#include "common/harness/processes/server_process.h"
#include "common/net/address.h"

namespace harness {

/// A server that the harness is to drive: one of the labs, a command of the user's, or one that already runs.
struct Target {
  std::string name;                  ///< as it stands in records and tables
  std::vector<std::string> command;  ///< empty: it already runs at `running_at`
  std::optional<net::Address> running_at;
  std::optional<KnownServer> known;  ///< with what is expected of it; none for a foreign one
  std::string format = {};  ///< of a foreign chat room, as `check-chat --format` takes it; empty: as ours

  /// True if it can be told where to listen: one of ours, or a command with {port}.
  bool takes_a_port() const;
  static Target of(const KnownServer& server);
  /// Throws ServerError when `words` is empty.
  static Target foreign(const std::vector<std::string>& words);
  /// `host_and_port` as in 127.0.0.1:9000 or [::1]:9000. Throws std::invalid_argument for anything else,
  /// net::UnresolvedHost when the host doesn't resolve, net::SystemError when none of its several addresses
  /// takes a connection (a single one isn't asked).
  static Target at(const std::string& host_and_port);
};

/// How a target's process is started; a server elsewhere has none.
struct StartOptions {
  std::optional<int> core = std::nullopt;                 ///< the core it may run on; none: all
  std::optional<rlim_t> descriptor_limit = std::nullopt;  ///< none: the harness's own
  std::optional<std::uint16_t> port = std::nullopt;       ///< for one that takes a port; none: a free one
};

/// A target while it is driven: a process of ours that ends with this object, or a server elsewhere.
class RunningTarget {
 public:
  /// Throws ServerError, Interrupted.
  RunningTarget(const Target& target, const Interruption& interruption, const StartOptions& options = {});

  const net::Address& address() const { return process_ ? process_->address() : *elsewhere_; }
  /// Null for a server elsewhere: its process can't be looked at.
  ServerProcess* process() { return process_ ? &*process_ : nullptr; }

 private:
  std::optional<net::Address> elsewhere_;
  std::optional<ServerProcess> process_;
};

}  // namespace harness
