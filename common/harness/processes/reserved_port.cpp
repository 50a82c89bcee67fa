#include "common/harness/processes/reserved_port.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <random>
#include <string>

#include "common/net/address.h"
#include "common/net/system_error.h"

namespace harness {

namespace {

constexpr std::uint16_t lowest = 10'000;  // below are most of the ports that have an owner by name

std::uint16_t first_that_the_kernel_gives_out() {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  std::uint16_t first = 32'768;
  file >> first;
  return first;
}

// Empty: somebody has reserved it.
net::FileDescriptor reserve(std::uint16_t port) {
  net::FileDescriptor reservation{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!reservation) throw net::SystemError("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = fmt::format("multiplexing-lab-port-{}", port);
  std::copy(name.begin(), name.end(), address.sun_path + 1);  // behind a zero byte: no file
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (bind(reservation.fd(), reinterpret_cast<const sockaddr*>(&address), size) == 0) return reservation;
  if (errno != EADDRINUSE) throw net::SystemError("bind a name to a socket");
  return net::FileDescriptor{};
}

}  // namespace

bool is_free(std::uint16_t port) {
  const net::FileDescriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket) throw net::SystemError("socket");
  const net::Address address = net::Address::resolve("127.0.0.1", port).front();
  const std::string place = address.to_string();
  if (bind(socket.fd(), address.data(), address.size()) == 0) return true;
  if (errno != EADDRINUSE) throw net::SystemError("bind", place);
  return false;
}

ReservedPort::ReservedPort() {
  // Where the kernel gives out nearly all ports, one of those has to do.
  const std::uint16_t end = std::max<std::uint16_t>(first_that_the_kernel_gives_out(), lowest + 10'000);
  std::random_device random;
  std::uniform_int_distribution<std::uint16_t> any(lowest, static_cast<std::uint16_t>(end - 1));
  for (int attempt = 0; attempt < 1000; ++attempt) {
    port_ = any(random);
    reservation_ = reserve(port_);
    if (reservation_ && is_free(port_)) return;
  }
  throw net::SystemError("no port is free to be listened on", EADDRINUSE);
}

}  // namespace harness
