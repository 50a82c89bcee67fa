// linger-zero: SO_LINGER with a time of 0 turns close into "throw all away".
//
// Run:       build/bin/linger-zero
// Look for:  the same full send buffer as in close-unsent, but not all of it arrives, and the peer reads
//            ECONNRESET in place of an end. Even with nothing to send, the peer sees an error. Exit code 1 if
//            it is not as described.

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "common/demonstration/connected_pair.h"
#include "common/demonstration/demonstration.h"
#include "common/net/command_line.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

using demonstration::Answer;
using demonstration::ConnectedPair;
using demonstration::Demonstration;

// Waits until poll says that the socket has an error or has hung up; it says these without being asked.
void wait_for_reset(const net::FileDescriptor& socket) {
  pollfd watched{.fd = socket.fd(), .events = 0, .revents = 0};
  if (poll(&watched, 1, 5000) < 0) throw net::SystemError("poll");
}

void with_a_full_buffer(Demonstration& demo) {
  demo.situation("We send until the kernel takes no more, set SO_LINGER to 0 s, and close.");
  ConnectedPair pair = demonstration::connected_pair();
  const std::size_t accepted = demonstration::fill(pair.ours);
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  demo.call("setsockopt SO_LINGER",
            setsockopt(pair.ours.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
  pair.ours.close();
  wait_for_reset(pair.peer);
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
  demo.states("What waited in the send buffer is lost.", received < accepted);
  demo.states("The peer's last recv: ECONNRESET, and not the end.", last.failed_with(ECONNRESET));
}

void with_nothing_to_send(Demonstration& demo) {
  demo.situation("The same without any data.");
  ConnectedPair pair = demonstration::connected_pair();
  demonstration::reset_on_close(pair.ours);
  pair.ours.close();
  std::array<char, 10> buffer{};
  const Answer answer = demo.call("the peer's recv", recv(pair.peer.fd(), buffer.data(), buffer.size(), 0));
  demo.states("A reset all the same.", answer.failed_with(ECONNRESET));
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("linger-zero", "Closes connections with SO_LINGER set to 0 seconds.").parse(argc, argv);
  return net::run_program("linger-zero", [] {
    Demonstration demo;
    with_a_full_buffer(demo);
    with_nothing_to_send(demo);
    return demo.exit_code();
  });
}
