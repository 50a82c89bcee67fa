#pragma once

#include <vector>

#include "common/net/address.h"
#include "common/net/complaint.h"
#include "common/net/file_descriptor.h"

namespace net {

/// Opens a TCP socket that listens on `address`, with the longest backlog that the kernel allows (SOMAXCONN).
/// SO_REUSEADDR is set: without it a restarted server would find its port taken by its own old connections in
/// TIME-WAIT (socket(7)). The socket blocks; a server that wants otherwise says set_nonblocking. With
/// `share_port`, other listeners may have the same address if they are opened so too: the kernel spreads new
/// connections over them (SO_REUSEPORT, socket(7)). Throws SystemError that names the call and the address.
FileDescriptor open_listener(const Address& address, bool share_port = false);

/// The same on the first of `addresses` that this machine has: `localhost` may resolve to ::1 where there is
/// no IPv6. Throws SystemError of the last one tried.
FileDescriptor open_listener(const std::vector<Address>& addresses, bool share_port = false);

/// Sends small replies at once instead of collecting them (TCP_NODELAY). Nagle's algorithm would hold a
/// second small reply back until the first is acknowledged, which the peer may delay by 40 ms. Sources:
/// tcp(7), RFC 896, RFC 1122 section 4.2.3.2. Throws SystemError.
void disable_nagle(const FileDescriptor& connection);

/// A descriptor kept in reserve for the moment when there are none left. Then accept fails with EMFILE while
/// the connection stays in the queue, so a level-triggered wait would report it again and again and the
/// server would spin. With the spare one closed, accept succeeds once more, and the connection can be refused
/// by closing it. Not thread-safe: it belongs to the thread that accepts.
class SpareDescriptor {
 public:
  /// Opens /dev/null. Throws SystemError.
  SpareDescriptor();

  /// To be asked when accept on `listener` failed: true says "accept again", false "nothing to take now".
  ///
  /// - EMFILE: no descriptor is left. The connection that has waited longest is refused. accept says EMFILE
  ///   even if none waits, for it takes the descriptor first; then this waits for one if `listener` blocks.
  /// - ENFILE, ENOBUFS, ENOMEM: the system is short of something, and one descriptor less doesn't help.
  ///   Sleeps for a millisecond, so that a server that tries again doesn't spin, and says so once.
  /// - An error of the one new connection, which Linux hands over to accept: true (accept(2)).
  /// - Anything else: the listener is broken. Throws SystemError.
  bool accept_again(int listener, int error_number);

  /// The two halves of refusing, for a server that has the kernel accept (io_uring): closes the spare one, so
  /// that the next connection is accepted in its place. False if it was given up already.
  bool give_up();

  /// To be called when a connection was accepted: takes the spare back if it was given up. False when there
  /// was no descriptor left for it: then the new connection has to be closed, and this called once more.
  bool take_back();

 private:
  bool refuse_one(int listener);

  FileDescriptor descriptor_;
  Complaint shortage_;
};

}  // namespace net
