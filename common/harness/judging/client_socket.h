#pragma once

#include "common/net/address.h"
#include "common/net/file_descriptor.h"

namespace harness {

/// The buffers of a client of a check.
struct ClientBuffers {
  int receive = 0;  ///< bytes asked for by SO_RCVBUF before connecting: the window is small then from the
                    ///< first segment on (tcp(7)); 0: as the kernel likes
  int segment = 0;  ///< the largest segment that it takes (TCP_MAXSEG), which keeps the server's send buffer
                    ///< small, too; 0: as the kernel likes
};

/// The connection of a client of a check, and what has become of it. No call here ever waits.
class ClientSocket {
 public:
  enum class State {
    connecting,
    open,
    refused,  ///< the connection was refused
    ended,    ///< the server has ended its direction in order
    reset,    ///< the connection was reset
    wrong,    ///< a byte came that was not sent, or not there; nothing more is read
  };

  /// Begins to connect. Throws Decided (not applicable) when this machine has no descriptor or no port left.
  ClientSocket(const net::Address& server, const ClientBuffers& buffers);

  /// Ends the connection with a reset (SO_LINGER with 0 s, socket(7)).
  void reset();
  /// Closes in order. With bytes that have come and were not read the kernel sends a reset instead (RFC 1122
  /// 4.2.2.13).
  void close() { socket_.close(); }

  State state() const { return state_; }
  bool gone() const { return state_ != State::open && state_ != State::connecting; }
  int fd() const { return socket_.fd(); }

 protected:
  /// Becomes open once it is connected.
  void finish_connecting();
  /// Ends its own direction (SHUT_WR).
  void end_direction();
  /// What an errno value of a call on it says about the connection. Throws Decided for what is the judge's
  /// own: no descriptor, no port, no permission, no memory.
  void fail(int error_number);

  State state_ = State::connecting;

 private:
  net::FileDescriptor socket_;
};

}  // namespace harness
