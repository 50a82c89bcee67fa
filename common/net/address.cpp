#include "common/net/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "common/net/system_error.h"

namespace net {

std::vector<Address> Address::resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (status != 0) {
    const std::string reason = status == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(status);
    throw UnresolvedHost(fmt::format("host '{}' does not resolve: {}", host, reason));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  std::vector<Address> addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    Address& address = addresses.emplace_back();
    std::memcpy(&address.storage_, one->ai_addr, one->ai_addrlen);
    address.size_ = one->ai_addrlen;
  }
  return addresses;
}

std::vector<Address> Address::parse(const std::string& host_and_port) {
  const auto colon = host_and_port.rfind(':');
  std::string host = host_and_port.substr(0, colon);
  const std::string digits = colon == std::string::npos ? "" : host_and_port.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0 || host.empty()) {
    throw std::invalid_argument(
        fmt::format("expected HOST:PORT with a port from 1 to 65535, not '{}'", host_and_port));
  }
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return resolve(host, port);
}

Address Address::of_socket(int fd) {
  Address address;
  address.size_ = sizeof(address.storage_);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage_), &address.size_) < 0) {
    throw SystemError("getsockname");
  }
  return address;
}

std::uint16_t Address::port() const {
  // The port stands at the same place in both structures, after the family.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
}

std::string Address::to_string() const {
  std::array<char, NI_MAXHOST> host{};
  if (getnameinfo(data(), size_, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "?";
  if (family() == AF_INET6) return fmt::format("[{}]:{}", host.data(), port());
  return fmt::format("{}:{}", host.data(), port());
}

bool Address::is_loopback() const {
  if (family() == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(storage_);
    return ntohl(ipv4.sin_addr.s_addr) >> 24 == 127;
  }
  const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(storage_).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&ipv6) || (IN6_IS_ADDR_V4MAPPED(&ipv6) && ipv6.s6_addr[12] == 127);
}

bool Address::is_any() const {
  if (family() == AF_INET)
    return reinterpret_cast<const sockaddr_in&>(storage_).sin_addr.s_addr == htonl(INADDR_ANY);
  return IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6&>(storage_).sin6_addr);
}

}  // namespace net
