#pragma once

#include <cstdint>
#include <stdexcept>

#include "common/net/address.h"
#include "common/net/file_descriptor.h"

namespace demonstration {

/// This machine doesn't let the program make network namespaces; what() says in plain words why.
class NotAllowed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The exit code of a program that could not show what it is there for, because this machine doesn't allow
/// it: neither success nor failure. The number is the one that automake's test driver takes for "skipped".
constexpr int skipped = 77;

/// Two hosts with a cable between them, inside this process: two network namespaces and a veth pair. A socket
/// belongs for ever to the host on which it was made (an accepted one: to its listener's host). Needs root,
/// or else a kernel that gives user namespaces to everybody. The kernel removes all of it when the process is
/// gone, however it ends. Sources: network_namespaces(7), user_namespaces(7), veth(4).
class TwoHosts {
 public:
  /// To be made while the process has one thread. That thread, and the threads that it starts, are on host
  /// "here" from then on, also when this object is gone. Throws NotAllowed, net::SystemError.
  TwoHosts();

  /// The address of host "there" with this port.
  static net::Address there(std::uint16_t port);

  /// A listener on host "there". Only for the thread that made the hosts. Throws net::SystemError.
  net::FileDescriptor listen_there(std::uint16_t port) const;

  /// Nothing gets through any more, in neither direction, and nobody is told. Throws net::SystemError.
  void pull_cable() const;
  void plug_cable_in() const;

 private:
  net::FileDescriptor here_, there_;  // the namespaces
  net::FileDescriptor control_;       // a socket on host "there": the way to its end of the cable
};

}  // namespace demonstration
