// close-unread: what the peer gets when the program closes a connection without having read all.
//
// Run:       build/bin/close-unread
// Look for:  a close with nothing unread ends the connection in order (FIN). A close with one unread byte
//            resets it (RST): the peer can still read what has arrived at its side, then recv says
//            ECONNRESET; what was on its way is thrown away. Exit code 1 if it is not as described.

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <string_view>
#include <vector>

#include "common/demonstration/connected_pair.h"
#include "common/demonstration/demonstration.h"
#include "common/net/command_line.h"
#include "common/net/connection.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

using demonstration::Answer;
using demonstration::ConnectedPair;
using demonstration::Demonstration;
using namespace std::string_view_literals;

// Waits until poll says `awaited`, an error or a hang-up of this socket, and returns all that it says then.
short wait_for(const net::FileDescriptor& socket, short awaited) {
  pollfd watched{.fd = socket.fd(), .events = awaited, .revents = 0};
  if (poll(&watched, 1, 5000) < 0) throw net::SystemError("poll");
  return watched.revents;
}

Answer receive(const net::FileDescriptor& connection) {
  std::array<char, 100> buffer{};
  return recv(connection.fd(), buffer.data(), buffer.size(), 0);
}

void close_after_reading(Demonstration& demo) {
  demo.situation("We and the peer send 5 bytes each. We read ours, then we close.");
  ConnectedPair pair = demonstration::connected_pair();
  net::send_all(pair.ours, "reply"sv);
  net::send_all(pair.peer, "words"sv);
  demo.call("our recv", receive(pair.ours));
  pair.ours.close();
  const Answer first = demo.call("the peer's recv", receive(pair.peer));
  const Answer second = demo.call("the peer's recv", receive(pair.peer));
  demo.states("The peer reads all that we sent, and then the end (0).",
              first.result == 5 && second.result == 0);
}

void close_without_reading(Demonstration& demo) {
  demo.situation("The same, but we close without having read.");
  ConnectedPair pair = demonstration::connected_pair();
  net::send_all(pair.ours, "reply"sv);
  net::send_all(pair.peer, "words"sv);
  wait_for(pair.ours, POLLIN);
  pair.ours.close();
  const short events = wait_for(pair.peer, 0);
  demo.shows("poll for the peer", demonstration::poll_events(events));
  const Answer first = demo.call("the peer's recv", receive(pair.peer));
  const Answer second = demo.call("the peer's recv", receive(pair.peer));
  const Answer third = demo.call("the peer's recv", receive(pair.peer));
  demo.states("close has sent a reset (RST), and no end.",
              (events & POLLERR) != 0 && second.failed_with(ECONNRESET));
  demo.states("What had arrived before the reset can still be read.", first.result == 5);
  demo.states("The error is told once; after that recv returns 0.", third.result == 0);
}

void long_reply(Demonstration& demo) {
  demo.situation("A long reply: we fill the send buffer, leave one byte unread, and close.");
  ConnectedPair pair = demonstration::connected_pair();
  net::send_all(pair.peer, "!"sv);
  wait_for(pair.ours, POLLIN);
  const std::size_t accepted = demonstration::fill(pair.ours);
  pair.ours.close();
  wait_for(pair.peer, 0);
  std::vector<char> buffer(64 * 1024);
  std::size_t received = 0;
  ssize_t count = 0;
  while ((count = recv(pair.peer.fd(), buffer.data(), buffer.size(), 0)) > 0) {
    received += static_cast<std::size_t>(count);
  }
  const Answer last(count);
  demo.shows("bytes that send has accepted", std::to_string(accepted));
  demo.shows("bytes that the peer has received", std::to_string(received));
  demo.shows("bytes lost", std::to_string(accepted - received));
  demo.call("the peer's last recv", last);
  demo.states("The peer gets a part, then the error: the rest is lost.",
              received < accepted && last.failed_with(ECONNRESET));
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("close-unread", "Closes connections with and without unread data.").parse(argc, argv);
  return net::run_program("close-unread", [] {
    Demonstration demo;
    close_after_reading(demo);
    close_without_reading(demo);
    long_reply(demo);
    return demo.exit_code();
  });
}
