// first-server: one conversation, call by call. It serves one client at a time with blocking calls, sends
// back what it gets, and tells each call that it makes.
//
// Run:       build/bin/first-server --port 9000
//            then   build/bin/first-client --port 9000   in a second terminal: type lines, end with Ctrl-D
// Look for:  a call that may block has two lines: `recv(4) …` as it begins, `recv(4) returned 6: hello\n`
//            when it is over. While the second line is missing, the server stands in that call and does
//            nothing else. The calls are told on stderr, one line each, as they happen; stdout has the
//            announcement alone.

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>

#include "common/net/address.h"
#include "common/net/command_line.h"
#include "common/net/file_descriptor.h"
#include "common/net/listener.h"
#include "common/net/printable.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

void tell(const std::string& line) { net::say(line); }

std::string reason(int error_number) { return fmt::format("returned -1: {}", std::strerror(error_number)); }

std::string text_of(const sockaddr_storage& address, socklen_t size) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host.data(), host.size(), port.data(),
                  port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "?";
  }
  if (address.ss_family == AF_INET6) return fmt::format("[{}]:{}", host.data(), port.data());
  return fmt::format("{}:{}", host.data(), port.data());
}

// The way to a listener. None of these calls waits for anybody.
net::FileDescriptor listen_at(const net::Address& address) {
  net::FileDescriptor listener{socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP)};
  if (!listener) throw net::SystemError("socket");
  tell(fmt::format("socket() returned {}", listener.fd()));

  const int on = 1;  // or a restarted server finds its port taken by its own old connections (socket(7))
  if (setsockopt(listener.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) {
    throw net::SystemError("setsockopt SO_REUSEADDR");
  }
  tell(fmt::format("setsockopt({}, SO_REUSEADDR) returned 0", listener.fd()));

  const std::string place = address.to_string();
  if (bind(listener.fd(), address.data(), address.size()) < 0) throw net::SystemError("bind", place);
  tell(fmt::format("bind({}, {}) returned 0", listener.fd(), place));

  if (listen(listener.fd(), SOMAXCONN) < 0) throw net::SystemError("listen", place);
  tell(fmt::format("listen({}) returned 0", listener.fd()));
  return listener;
}

// The server's own trouble. Everything else that accept reports is the trouble of one new connection
// (accept(2), "Error handling"), and the next one may be in order.
bool is_fatal(int error_number) {
  switch (error_number) {
    case EBADF:
    case EINVAL:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

// Waits for a client, however long.
net::FileDescriptor accept_client(const net::FileDescriptor& listener) {
  for (;;) {
    tell(fmt::format("accept({}) …", listener.fd()));
    sockaddr_storage peer{};
    socklen_t size = sizeof(peer);
    net::FileDescriptor connection{
        accept4(listener.fd(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC)};
    const int error = errno;
    if (connection) {
      tell(fmt::format("accept({}) returned {}: the client is {}", listener.fd(), connection.fd(),
                       text_of(peer, size)));
      net::disable_nagle(connection);  // or the last piece of a long reply could wait 40 ms (lab 02b)
      tell(fmt::format("setsockopt({}, TCP_NODELAY) returned 0", connection.fd()));
      return connection;
    }
    if (is_fatal(error)) throw net::SystemError("accept", error);
    tell(fmt::format("accept({}) {}", listener.fd(), reason(error)));
  }
}

// Waits while the kernel has no room for more. It may take less than it is offered: then the rest is another
// call.
bool send_back(int connection, std::span<const char> unsent) {
  while (!unsent.empty()) {
    tell(fmt::format("send({}, {} bytes) …", connection, unsent.size()));
    const ssize_t sent = send(connection, unsent.data(), unsent.size(), MSG_NOSIGNAL);
    const int error = errno;
    tell(fmt::format("send({}) {}", connection, sent < 0 ? reason(error) : fmt::format("returned {}", sent)));
    if (sent < 0 && error != EINTR) return false;
    if (sent > 0) unsent = unsent.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

// Until the client has ended its stream, or is lost.
void echo(int connection) {
  std::array<char, 16 * 1024> buffer{};
  for (;;) {
    tell(fmt::format("recv({}) …", connection));
    const ssize_t received = recv(connection, buffer.data(), buffer.size(), 0);
    const int error = errno;
    if (received < 0) {
      tell(fmt::format("recv({}) {}", connection, reason(error)));
      if (error == EINTR) continue;
      return;
    }
    if (received == 0) {
      tell(fmt::format("recv({}) returned 0: the client has ended the stream", connection));
      return;
    }
    const std::span<const char> bytes = std::span(buffer).first(static_cast<std::size_t>(received));
    tell(fmt::format("recv({}) returned {}: {}", connection, received, net::printable(bytes, 40)));
    if (!send_back(connection, bytes)) return;
  }
}

void announce(const net::FileDescriptor& listener) {
  const std::string place = net::Address::of_socket(listener.fd()).to_string();
  if (std::printf("listening on %s\n", place.c_str()) < 0 || std::fflush(stdout) != 0) {
    throw net::SystemError("write to stdout");
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string host = "127.0.0.1";
  std::int64_t port = 9000;
  net::CommandLine options("first-server",
                           "Echo server for one client at a time, with blocking calls; tells each call.");
  options.text("--host", host, "address or host name to listen on");
  options.number("--port", port, 0, 65535, "TCP port to listen on; 0 takes a free one");
  options.parse(argc, argv);
  return net::run_program("first-server", [&] {
    net::exit_on_signal();
    const net::FileDescriptor listener =
        listen_at(net::Address::resolve(host, static_cast<std::uint16_t>(port)).front());
    announce(listener);
    for (;;) {
      net::FileDescriptor connection = accept_client(listener);
      echo(connection.fd());
      tell(fmt::format("close({})", connection.fd()));
      connection.close();
    }
    return 0;
  });
}
