// half-close: one direction of a connection ends, the other goes on.
//
// Run:       build/bin/half-close
// Look for:  after shutdown(SHUT_WR) the peer reads the end of our data, and can still answer; after close
//            nobody is left who could read the answer. Exit code 1 if it is not as described.

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <string_view>

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

constexpr std::string_view question = "how long is this?";
constexpr std::string_view answer = "17 bytes";

// The peer can count only when it has seen the end: there is no length in the question.
std::size_t read_to_the_end(Demonstration& demo, const net::FileDescriptor& peer) {
  std::array<char, 100> buffer{};
  std::size_t received = 0;
  for (;;) {
    const Answer piece = demo.call("the peer's recv", recv(peer.fd(), buffer.data(), buffer.size(), 0));
    if (piece.result <= 0) return received;
    received += static_cast<std::size_t>(piece.result);
  }
}

void shut_down_one_direction(Demonstration& demo) {
  demo.situation("We send a question, then end our direction only. The peer answers.");
  ConnectedPair pair = demonstration::connected_pair();
  net::send_all(pair.ours, question);
  demo.call("our shutdown SHUT_WR", shutdown(pair.ours.fd(), SHUT_WR));
  const std::size_t received = read_to_the_end(demo, pair.peer);
  demo.states("The peer reads the whole question, and then the end (0).", received == question.size());

  const Answer back = demo.call("the peer's send", send(pair.peer.fd(), answer.data(), answer.size(), 0));
  pair.peer.close();
  std::array<char, 100> buffer{};
  const Answer got = demo.call("our recv", recv(pair.ours.fd(), buffer.data(), buffer.size(), MSG_WAITALL));
  demo.states("The other direction still works: the answer arrives.",
              back.result == std::ssize(answer) && got.result == back.result);
  const Answer more = demo.call("our send", send(pair.ours.fd(), "?", 1, MSG_NOSIGNAL));
  demo.states("We ourselves can't send any more.", more.failed_with(EPIPE));
}

void close_both_directions(Demonstration& demo) {
  demo.situation("The same with close in place of shutdown.");
  ConnectedPair pair = demonstration::connected_pair();
  net::send_all(pair.ours, question);
  pair.ours.close();
  const std::size_t received = read_to_the_end(demo, pair.peer);
  const Answer back = demo.call("the peer's send", send(pair.peer.fd(), answer.data(), answer.size(), 0));
  pollfd watched{.fd = pair.peer.fd(), .events = 0, .revents = 0};
  if (poll(&watched, 1, 5000) < 0) throw net::SystemError("poll");
  demo.shows("poll for the peer", demonstration::poll_events(watched.revents));
  demo.states("The peer sees the same question and the same end ...", received == question.size());
  demo.states("... its answer is accepted by send, and comes back as a reset.",
              back.result == std::ssize(answer) && (watched.revents & POLLERR) != 0);
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("half-close", "Ends one direction of a connection.").parse(argc, argv);
  return net::run_program("half-close", [] {
    Demonstration demo;
    shut_down_one_direction(demo);
    close_both_directions(demo);
    return demo.exit_code();
  });
}
