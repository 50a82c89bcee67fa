#include "common/net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "common/net/system_error.h"

namespace net {

FileDescriptor open_listener(const Address& address, bool share_port) {
  FileDescriptor listener{socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP)};
  if (!listener) throw SystemError("socket");
  const int on = 1;
  if (setsockopt(listener.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) {
    throw SystemError("setsockopt SO_REUSEADDR");
  }
  if (share_port && setsockopt(listener.fd(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0) {
    throw SystemError("setsockopt SO_REUSEPORT");
  }
  const std::string place = address.to_string();
  if (bind(listener.fd(), address.data(), address.size()) < 0) throw SystemError("bind", place);
  if (listen(listener.fd(), SOMAXCONN) < 0) throw SystemError("listen", place);
  return listener;
}

FileDescriptor open_listener(const std::vector<Address>& addresses, bool share_port) {
  for (std::size_t i = 0;; ++i) {
    try {
      return open_listener(addresses.at(i), share_port);
    } catch (const SystemError& error) {
      const bool is_not_here = error.error_number() == EADDRNOTAVAIL || error.error_number() == EAFNOSUPPORT;
      if (!is_not_here || i + 1 == addresses.size()) throw;
    }
  }
}

void disable_nagle(const FileDescriptor& connection) {
  const int on = 1;
  if (setsockopt(connection.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 && errno != EINVAL) {
    throw SystemError("setsockopt TCP_NODELAY");
  }
}

SpareDescriptor::SpareDescriptor() {
  if (!take_back()) throw SystemError("open /dev/null");
}

bool SpareDescriptor::accept_again(int error_number) {
  switch (error_number) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: {
      const bool worth_a_try = static_cast<bool>(descriptor_);
      descriptor_.close();
      return worth_a_try;
    }
    case EINTR:
    case ECONNABORTED:
    case EPERM:  // a firewall rule forbids this one
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    case EAGAIN:
      take_back();
      return false;
    default:
      throw SystemError("accept", error_number);
  }
}

bool SpareDescriptor::take_back() {
  if (!descriptor_) descriptor_ = FileDescriptor{open("/dev/null", O_RDONLY | O_CLOEXEC)};
  return static_cast<bool>(descriptor_);
}

}  // namespace net
