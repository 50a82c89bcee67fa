#include "common/demonstration/connected_pair.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "common/net/address.h"
#include "common/net/listener.h"
#include "common/net/system_error.h"

namespace demonstration {

namespace {

void ask_for(const net::FileDescriptor& socket, Buffers buffers) {
  for (const auto& [option, bytes] :
       {std::pair{SO_SNDBUF, buffers.send}, std::pair{SO_RCVBUF, buffers.receive}}) {
    if (bytes > 0 && setsockopt(socket.fd(), SOL_SOCKET, option, &bytes, sizeof(bytes)) < 0) {
      throw net::SystemError("setsockopt SO_SNDBUF or SO_RCVBUF");
    }
  }
}

}  // namespace

ConnectedPair connected_pair(Buffers buffers) {
  const net::FileDescriptor listener = net::open_listener(net::Address::resolve("127.0.0.1", 0));
  ask_for(listener, buffers);
  ConnectedPair pair;
  pair.peer = net::FileDescriptor{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!pair.peer) throw net::SystemError("socket");
  ask_for(pair.peer, buffers);
  const net::Address address = net::Address::of_socket(listener.fd());
  const std::string place = address.to_string();
  if (connect(pair.peer.fd(), address.data(), address.size()) < 0) {
    throw net::SystemError("connect", place);
  }
  pair.ours = net::FileDescriptor{accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (!pair.ours) throw net::SystemError("accept");
  return pair;
}

std::size_t fill(const net::FileDescriptor& connection) {
  static constexpr std::array<char, 64 * 1024> zeros{};
  std::size_t taken = 0;
  for (;;) {
    const ssize_t sent = send(connection.fd(), zeros.data(), zeros.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) taken += static_cast<std::size_t>(sent);
    if (sent < 0 && errno == EAGAIN) return taken;
    if (sent < 0 && errno != EINTR) throw net::SystemError("send");
  }
}

void reset_on_close(const net::FileDescriptor& connection) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  if (setsockopt(connection.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0) {
    throw net::SystemError("setsockopt SO_LINGER");
  }
}

}  // namespace demonstration
