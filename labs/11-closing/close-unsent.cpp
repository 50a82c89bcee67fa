// close-unsent: what becomes of bytes that still wait in the send buffer when the program closes the
// connection.
//
// Run:       build/bin/close-unsent
// Look for:  close returns at once, although the peer has not read a byte and much has not even left. The
//            kernel goes on delivering; then comes the end. Exit code 1 if it is not as described.

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <vector>

#include "common/demonstration/connected_pair.h"
#include "common/demonstration/demonstration.h"
#include "common/net/command_line.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

int close_with_unsent_data() {
  demonstration::Demonstration demo;
  demonstration::ConnectedPair pair = demonstration::connected_pair();

  demo.situation("We send until the kernel takes no more. The peer reads nothing.");
  const std::size_t accepted = demonstration::fill(pair.ours);
  int not_sent = 0;
  if (ioctl(pair.ours.fd(), SIOCOUTQNSD, &not_sent) < 0) throw net::SystemError("ioctl SIOCOUTQNSD");
  demo.shows("bytes that send has accepted", std::to_string(accepted));
  demo.shows("of these, not yet sent to the peer", std::to_string(not_sent));
  demo.states("Part of the data has not left yet.", not_sent > 0);

  demo.situation("We close. Then the peer reads to the end.");
  pair.ours.close();
  std::vector<char> buffer(64 * 1024);
  std::size_t received = 0;
  ssize_t count = 0;
  while ((count = recv(pair.peer.fd(), buffer.data(), buffer.size(), 0)) > 0) {
    received += static_cast<std::size_t>(count);
  }
  const demonstration::Answer last(count);
  demo.shows("bytes that the peer has received", std::to_string(received));
  demo.shows("bytes lost", std::to_string(accepted - received));
  demo.call("the peer's last recv", last);
  demo.states("Every byte arrives, and then the end (0): nothing is lost.",
              received == accepted && last.result == 0);
  return demo.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("close-unsent", "Closes a connection whose send buffer is full.").parse(argc, argv);
  return net::run_program("close-unsent", close_with_unsent_data);
}
