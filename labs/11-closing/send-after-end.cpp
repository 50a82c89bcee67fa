// send-after-end: what send says when the peer has gone.
//
// Run:       build/bin/send-after-end
// Look for:  after the peer's FIN the first send succeeds, for nothing, and the second gets EPIPE; after its
//            RST the first gets ECONNRESET, the second EPIPE. With EPIPE comes the signal SIGPIPE, which ends
//            a program that has not said otherwise. Exit code 1 if it is not as described.

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

#include "common/demonstration/connected_pair.h"
#include "common/demonstration/demonstration.h"
#include "common/net/command_line.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

using demonstration::Answer;
using demonstration::ConnectedPair;
using demonstration::Demonstration;

Answer send_5_bytes(const net::FileDescriptor& connection) {
  return send(connection.fd(), "hello", 5, MSG_NOSIGNAL);
}

// Waits until poll says that the socket has an error or has hung up; it says these without being asked.
short wait_for_reset(const net::FileDescriptor& socket) {
  pollfd watched{.fd = socket.fd(), .events = 0, .revents = 0};
  if (poll(&watched, 1, 5000) < 0) throw net::SystemError("poll");
  return watched.revents;
}

void after_an_end(Demonstration& demo) {
  demo.situation("The peer has closed. Its end (FIN) is here.");
  ConnectedPair pair = demonstration::connected_pair();
  pair.peer.close();
  std::array<char, 10> buffer{};
  const Answer end = demo.call("recv", recv(pair.ours.fd(), buffer.data(), buffer.size(), 0));
  const Answer first = demo.call("send 5 bytes", send_5_bytes(pair.ours));
  demo.shows("poll", demonstration::poll_events(wait_for_reset(pair.ours)));
  const Answer second = demo.call("send 5 bytes", send_5_bytes(pair.ours));
  const Answer third = demo.call("send 5 bytes", send_5_bytes(pair.ours));
  demo.states("The first send after an end: it succeeds.", end.result == 0 && first.result == 5);
  demo.states("Its answer is a reset; all later ones get EPIPE.",
              second.failed_with(EPIPE) && third.failed_with(EPIPE));
}

void after_a_reset(Demonstration& demo) {
  demo.situation("The peer has reset the connection (RST).");
  ConnectedPair pair = demonstration::connected_pair();
  demonstration::reset_on_close(pair.peer);
  pair.peer.close();
  demo.shows("poll", demonstration::poll_events(wait_for_reset(pair.ours)));
  const Answer first = demo.call("send 5 bytes", send_5_bytes(pair.ours));
  const Answer second = demo.call("send 5 bytes", send_5_bytes(pair.ours));
  demo.states("The first send after a reset: it gets ECONNRESET.", first.failed_with(ECONNRESET));
  demo.states("All later ones get EPIPE.", second.failed_with(EPIPE));
}

// In a child, which it is going to end. Between fork and _exit only what signal-safety(7) allows.
void without_a_word_about_the_signal(Demonstration& demo) {
  demo.situation("A child sends after its own shutdown. SIGPIPE is as it is by default.");
  const ConnectedPair pair = demonstration::connected_pair();
  if (shutdown(pair.ours.fd(), SHUT_WR) < 0) throw net::SystemError("shutdown");
  const pid_t child = fork();
  if (child < 0) throw net::SystemError("fork");
  if (child == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    send(pair.ours.fd(), "hello", 5, 0);
    _exit(0);
  }
  int status = 0;
  if (waitpid(child, &status, 0) < 0) throw net::SystemError("waitpid");
  demo.shows("the child was ended by signal", WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "none");
  demo.states("SIGPIPE ends it: use MSG_NOSIGNAL, or ignore the signal.",
              WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("send-after-end", "Sends to a peer that has closed or reset the connection.")
      .parse(argc, argv);
  return net::run_program("send-after-end", [] {
    Demonstration demo;
    after_an_end(demo);
    after_a_reset(demo);
    without_a_word_about_the_signal(demo);
    return demo.exit_code();
  });
}
