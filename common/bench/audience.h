#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/net/address.h"
#include "common/net/file_descriptor.h"

namespace bench {

/// The guests of a chat room that is measured: one who speaks, and many who hear.
class Audience {
 public:
  /// Returns when all are inside. Throws harness::ServerError when the room serves one of them not at all or
  /// wrongly, net::SystemError.
  Audience(const net::Address& room, std::size_t listeners);

  /// The speaker says a line of 64 bytes, with its LF; returns when all have heard it, each byte as it was
  /// said. Throws as the constructor does.
  ///
  /// The bench waits for one listener only, the last one whom the room sends to; the others are read then. To
  /// wake somebody up is work for who sends, and a room whose listeners are on other machines has none of it.
  void say_and_hear();

  /// How many lines have been heard since all are inside, all listeners together.
  std::uint64_t deliveries() const { return deliveries_; }

 private:
  void read_what_there_is();
  void hear_up_to(const net::FileDescriptor& listener, const std::string& end);
  void hear(const net::FileDescriptor& listener, const std::string& line);

  std::vector<net::FileDescriptor> listeners_;
  net::FileDescriptor speaker_;
  std::string said_;
  std::string heard_;  // the same, with what the room puts before it
  std::uint64_t deliveries_ = 0;
};

}  // namespace bench
