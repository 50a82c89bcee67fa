#include "common/net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <ctime>

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
  if (setsockopt(connection.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0) {
    throw SystemError("setsockopt TCP_NODELAY");
  }
}

namespace {

FileDescriptor open_null() { return FileDescriptor{open("/dev/null", O_RDONLY | O_CLOEXEC)}; }

// Waits for a connection as accept would: not at all on a non-blocking listener.
bool someone_waits(int listener) {
  const bool blocks = (fcntl(listener, F_GETFL) & O_NONBLOCK) == 0;
  pollfd waiting{.fd = listener, .events = POLLIN, .revents = 0};
  return poll(&waiting, 1, blocks ? -1 : 0) == 1;
}

void sleep_a_millisecond() {
  const timespec span{.tv_sec = 0, .tv_nsec = 1'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &span, nullptr);  // a signal may end it: it is no matter how long
}

}  // namespace

SpareDescriptor::SpareDescriptor() : descriptor_(open_null()) {
  if (!descriptor_) throw SystemError("open /dev/null");
}

bool SpareDescriptor::accept_again(int listener, int error_number) {
  switch (error_number) {
    case EAGAIN:
      return false;
    case EMFILE:
      return refuse_one(listener);
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      shortage_.say(SystemError("accept", error_number).what());
      sleep_a_millisecond();
      return false;
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
    default:
      throw SystemError("accept", error_number);
  }
}

bool SpareDescriptor::refuse_one(int listener) {
  if (!someone_waits(listener)) return false;
  if (open_null()) return true;  // one has become free meanwhile
  if (!give_up()) {              // another thread took the spare one's place
    sleep_a_millisecond();
    take_back();
    return false;
  }
  FileDescriptor refused{accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
  const bool was_there = static_cast<bool>(refused);
  refused.close();
  take_back();
  return was_there;
}

bool SpareDescriptor::give_up() {
  const bool was_there = static_cast<bool>(descriptor_);
  descriptor_.close();
  return was_there;
}

bool SpareDescriptor::take_back() {
  if (!descriptor_) descriptor_ = open_null();
  return static_cast<bool>(descriptor_);
}

}  // namespace net
