#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace net {

/// A host name that doesn't resolve: bad input rather than a failure of the machine.
class UnresolvedHost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One IPv4 or IPv6 address with its port, as the socket calls want it.
class Address {
 public:
  Address() = default;
  Address(const sockaddr_storage& storage, socklen_t size) : storage_(storage), size_(size) {}

  /// All addresses of a host name or a numeric address, at least one, in the order in which they are to be
  /// tried: `localhost` is often ::1 first and then 127.0.0.1, and a server may listen on one of them only.
  /// `port` is in host byte order; 0 lets bind choose a free one. Throws UnresolvedHost. Sources:
  /// getaddrinfo(3), RFC 6724.
  static std::vector<Address> resolve(const std::string& host, std::uint16_t port);

  /// The inverse of to_string, for names too: all addresses of "HOST:PORT" with a port from 1 to 65535.
  /// Throws std::invalid_argument for anything else, UnresolvedHost.
  static std::vector<Address> parse(const std::string& host_and_port);

  /// The address that a socket is bound to; this is how the port is learned that bind chose for port 0.
  /// Throws SystemError. Source: getsockname(2).
  static Address of_socket(int fd);

  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  int family() const { return storage_.ss_family; }
  std::uint16_t port() const;
  /// True for 127.0.0.0/8 and ::1, also as an IPv4 address in an IPv6 socket: this machine alone can connect.
  bool is_loopback() const;
  /// True for 0.0.0.0 and ::, which stand for all addresses of this machine.
  bool is_any() const;

  /// "127.0.0.1:9000", or "[::1]:9000" for IPv6 as in RFC 3986 section 3.2.2.
  std::string to_string() const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace net
