#include "common/net/connection.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <string>
#include <system_error>
#include <utility>

#include "common/net/system_error.h"

namespace net {

using namespace std::chrono_literals;

namespace {

// A signal can interrupt connect, but not the kernel's connecting: a second connect would only say EALREADY.
// So wait until it is done, and ask how it went. Source: connect(2), EINTR and EINPROGRESS.
int finish_connecting(int fd) {
  pollfd connecting{.fd = fd, .events = POLLOUT, .revents = 0};
  while (poll(&connecting, 1, -1) < 0) {
    if (errno != EINTR) throw SystemError("poll");
  }
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) {
    throw SystemError("getsockopt SO_ERROR");
  }
  return error;
}

// 0, or why not. A socket without an address family of this kernel's is an answer like a refusal: a name may
// have IPv6 addresses where there is no IPv6.
int try_to_connect(FileDescriptor& connection, const Address& address, const Prepare& prepare) {
  connection = FileDescriptor{socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP)};
  if (!connection && errno != EAFNOSUPPORT) throw SystemError("socket");
  if (!connection) return EAFNOSUPPORT;
  if (prepare) prepare(connection);
  if (connect(connection.fd(), address.data(), address.size()) == 0) return 0;
  if (errno == EINTR) return finish_connecting(connection.fd());
  return errno == EINPROGRESS ? ETIMEDOUT : errno;  // the time of SO_SNDTIMEO is over (socket(7))
}

void set_option(const FileDescriptor& socket, int level, int option, int value, const char* call) {
  if (setsockopt(socket.fd(), level, option, &value, sizeof(value)) < 0) throw SystemError(call);
}

struct Connected {
  FileDescriptor connection;
  Address address;
};

Connected connect_to_first(const std::vector<Address>& addresses, const Prepare& prepare) {
  FileDescriptor connection;
  std::string failures;
  int error = EDESTADDRREQ;
  for (const Address& address : addresses) {
    if (!failures.empty()) failures += fmt::format(": {}; ", std::generic_category().message(error));
    failures += "connect " + address.to_string();
    error = try_to_connect(connection, address, prepare);
    if (error == 0) return {.connection = std::move(connection), .address = address};
  }
  throw SystemError(failures, error);
}

}  // namespace

Prepare give_up_after(std::chrono::seconds patience) {
  return [longest = timeval{.tv_sec = patience.count(), .tv_usec = 0}](const FileDescriptor& connection) {
    if (setsockopt(connection.fd(), SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof(longest)) < 0) {
      throw SystemError("setsockopt SO_SNDTIMEO");
    }
  };
}

void ask_for_small_buffers(const FileDescriptor& connection) {
  set_option(connection, SOL_SOCKET, SO_RCVBUF, 4096, "setsockopt SO_RCVBUF");
  set_option(connection, IPPROTO_TCP, TCP_MAXSEG, 536, "setsockopt TCP_MAXSEG");
}

FileDescriptor connect_to(const Address& address) { return connect_to(std::vector{address}); }

FileDescriptor connect_to(const std::vector<Address>& addresses, const Prepare& prepare) {
  return connect_to_first(addresses, prepare).connection;
}

Address find_reachable(const std::vector<Address>& addresses) {
  if (addresses.size() == 1) return addresses.front();
  return connect_to_first(addresses, give_up_after(2s)).address;
}

void send_all(const FileDescriptor& connection, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(connection.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) throw SystemError("send");
    if (sent > 0) bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

}  // namespace net
