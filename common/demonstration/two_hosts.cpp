#include "common/demonstration/two_hosts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "common/demonstration/veth.h"
#include "common/net/listener.h"
#include "common/net/system_error.h"

namespace demonstration {

namespace {

const char* const cable = "cable";
// From the block that is set aside for documentation: RFC 5737.
const char* const address_here = "192.0.2.1";
const char* const address_there = "192.0.2.2";

// Root may make a network namespace. Whoever else makes a user namespace first is root in there.
void move_to_a_new_network() {
  if (unshare(CLONE_NEWNET) == 0) return;
  const net::SystemError as_we_are("unshare CLONE_NEWNET");
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) return;
  const net::SystemError in_a_user_namespace("unshare CLONE_NEWUSER | CLONE_NEWNET");
  throw NotAllowed(fmt::format("this machine allows no network namespaces ({}; {})", as_we_are.what(),
                               in_a_user_namespace.what()));
}

net::FileDescriptor present_network() {
  net::FileDescriptor network{open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
  if (!network) throw net::SystemError("open /proc/thread-self/ns/net");
  return network;
}

void enter(const net::FileDescriptor& network) {
  if (setns(network.fd(), CLONE_NEWNET) < 0) throw net::SystemError("setns");
}

net::FileDescriptor control_socket() {
  net::FileDescriptor control{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!control) throw net::SystemError("socket");
  return control;
}

// Requests of netdevice(7). They are about the host that the socket belongs to, wherever the calling thread
// is.
void set_address(const net::FileDescriptor& control, const char* address) {
  ifreq change{};
  std::strncpy(change.ifr_name, cable, IFNAMSIZ - 1);
  const net::Address wanted = net::Address::resolve(address, 0).front();
  std::memcpy(&change.ifr_addr, wanted.data(), wanted.size());
  if (ioctl(control.fd(), SIOCSIFADDR, &change) < 0) throw net::SystemError("ioctl SIOCSIFADDR");
}

void switch_on(const net::FileDescriptor& control, bool on) {
  ifreq change{};
  std::strncpy(change.ifr_name, cable, IFNAMSIZ - 1);
  change.ifr_flags = on ? IFF_UP : 0;
  if (ioctl(control.fd(), SIOCSIFFLAGS, &change) < 0) throw net::SystemError("ioctl SIOCSIFFLAGS");
}

}  // namespace

TwoHosts::TwoHosts() try {
  move_to_a_new_network();
  there_ = present_network();
  control_ = control_socket();
  if (unshare(CLONE_NEWNET) < 0) throw net::SystemError("unshare CLONE_NEWNET");
  here_ = present_network();
  make_cable(cable, there_);
  const net::FileDescriptor control_here = control_socket();
  set_address(control_here, address_here);
  switch_on(control_here, true);
  set_address(control_, address_there);
  switch_on(control_, true);
} catch (const net::SystemError& error) {
  // A limit of namespaces (user.max_net_namespaces), no veth in the kernel, or a user namespace that allows
  // nothing.
  const int number = error.error_number();
  if (number != ENOSPC && number != EOPNOTSUPP && number != EPERM) throw;
  throw NotAllowed(
      fmt::format("this machine allows no two networks with a cable between them ({})", error.what()));
}

net::Address TwoHosts::there(std::uint16_t port) {
  return net::Address::resolve(address_there, port).front();
}

net::FileDescriptor TwoHosts::listen_there(std::uint16_t port) const {
  enter(there_);
  net::FileDescriptor listener = net::open_listener(there(port));
  enter(here_);
  return listener;
}

void TwoHosts::pull_cable() const { switch_on(control_, false); }
void TwoHosts::plug_cable_in() const { switch_on(control_, true); }

}  // namespace demonstration
