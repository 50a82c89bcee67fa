#pragma once

#include <string>

#include "common/net/address.h"
#include "common/net/file_descriptor.h"

namespace testing {

/// A test's connection to a server. Its steps stand in the conversation of the test, and none of its calls
/// waits longer than 10 s.
class Connection {
 public:
  /// Throws net::SystemError, as send does.
  explicit Connection(const net::Address& server);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(const std::string& bytes);
  /// As many bytes as that; fewer when the stream has ended before, was reset, or no more came in time.
  std::string receive(std::size_t count);

 private:
  net::FileDescriptor socket_;
  std::string name_;
};

}  // namespace testing
