// poll-masks: what poll says of a TCP socket in each state.
//
// Run:       build/bin/poll-masks
// Look for:  the peer's end is RDHUP without HUP; HUP means that both directions are over. An error comes
//            with everything else. Asked for are IN, OUT and RDHUP; ERR, HUP and NVAL come without being
//            asked for. Each answer is compared with what is described; exit code 1 if one differs.

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <string_view>

#include "common/demonstration/connected_pair.h"
#include "common/demonstration/demonstration.h"
#include "common/net/address.h"
#include "common/net/command_line.h"
#include "common/net/connection.h"
#include "common/net/listener.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

using demonstration::ConnectedPair;
using demonstration::Demonstration;
using namespace std::string_view_literals;

short poll_once(int fd, short events, int timeout_ms) {
  pollfd watched{.fd = fd, .events = events, .revents = 0};
  if (poll(&watched, 1, timeout_ms) < 0) throw net::SystemError("poll");
  return watched.revents;
}

// What poll says without waiting. `arrived` is the event by which one sees that what the peer did has arrived
// here.
std::string mask(const net::FileDescriptor& socket, short arrived = 0) {
  if (arrived != 0) poll_once(socket.fd(), arrived, 5000);
  return demonstration::poll_events(poll_once(socket.fd(), POLLIN | POLLOUT | POLLRDHUP, 0));
}

void live_connections(Demonstration& demo) {
  const ConnectedPair pair = demonstration::connected_pair();
  demo.row("connected, nothing to read", mask(pair.ours), "OUT");
  net::send_all(pair.peer, "hello"sv);
  demo.row("5 bytes to read", mask(pair.ours, POLLIN), "IN|OUT");
  const ConnectedPair full = demonstration::connected_pair();
  demonstration::fill(full.ours);
  demo.row("send buffer full", mask(full.ours), "-");
}

void ends(Demonstration& demo) {
  ConnectedPair ended = demonstration::connected_pair();
  ended.peer.close();
  demo.row("the peer's end (FIN)", mask(ended.ours, POLLRDHUP), "IN|OUT|RDHUP");
  const ConnectedPair half = demonstration::connected_pair();
  if (shutdown(half.ours.fd(), SHUT_WR) < 0) throw net::SystemError("shutdown");
  demo.row("our own shutdown SHUT_WR", mask(half.ours), "OUT");
  if (shutdown(half.peer.fd(), SHUT_WR) < 0) throw net::SystemError("shutdown");
  demo.row("both directions shut", mask(half.ours, POLLRDHUP), "IN|OUT|HUP|RDHUP");
}

void resets(Demonstration& demo) {
  ConnectedPair reset = demonstration::connected_pair();
  net::send_all(reset.peer, "hello"sv);
  demonstration::reset_on_close(reset.peer);
  reset.peer.close();
  demo.row("the peer's reset (RST)", mask(reset.ours, POLLHUP), "IN|OUT|ERR|HUP|RDHUP");
  std::array<char, 10> buffer{};
  demo.row("  recv returns the 5 bytes before it",
           demonstration::to_string(recv(reset.ours.fd(), buffer.data(), buffer.size(), 0)), "5");
  const demonstration::Answer error = recv(reset.ours.fd(), buffer.data(), buffer.size(), 0);
  demo.row("  recv again", error.failed_with(ECONNRESET) ? "ECONNRESET" : demonstration::to_string(error),
           "ECONNRESET");
  demo.row("  after recv has told the error", mask(reset.ours), "IN|OUT|HUP|RDHUP");
}

net::FileDescriptor new_socket() {
  net::FileDescriptor fresh{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fresh) throw net::SystemError("socket");
  return fresh;
}

void not_connected(Demonstration& demo) {
  net::FileDescriptor fresh = new_socket();
  demo.row("a new socket, not connected", mask(fresh), "OUT|HUP");
  net::FileDescriptor listener = net::open_listener(net::Address::resolve("127.0.0.1", 0));
  const net::Address address = net::Address::of_socket(listener.fd());
  demo.row("a listener, nobody waits", mask(listener), "-");
  {
    const net::FileDescriptor client = net::connect_to(address);
    demo.row("a listener, a connection waits", mask(listener, POLLIN), "IN");
  }
  listener.close();
  static_cast<void>(connect(fresh.fd(), address.data(), address.size()));  // poll tells how it went
  demo.row("connect was refused", mask(fresh, POLLHUP), "IN|OUT|ERR|HUP|RDHUP");
  const int fd = fresh.fd();
  fresh.close();
  demo.row("a closed descriptor", demonstration::poll_events(poll_once(fd, POLLIN, 0)), "NVAL");
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("poll-masks", "Shows what poll says of a socket in each state.").parse(argc, argv);
  return net::run_program("poll-masks", [] {
    Demonstration demo;
    live_connections(demo);
    ends(demo);
    resets(demo);
    not_connected(demo);
    return demo.exit_code();
  });
}
