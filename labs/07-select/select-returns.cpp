// select-returns: what select gives back, situation by situation, on TCP connections.
//
// Run:       build/bin/select-returns
// Look for:  the number counts the bits that are left in the sets (r: readable, w: writable, x: the third
//            one); 0 means that the time is over. The third set is about urgent data: a reset shows as
//            readable. Each answer is compared with what select(2) and tcp(7) say; exit code 1 if one
//            differs.

#include <fmt/format.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <thread>

#include "common/demonstration/connected_pair.h"
#include "common/demonstration/demonstration.h"
#include "common/net/command_line.h"
#include "common/net/file_descriptor.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

using namespace std::chrono_literals;
using demonstration::ConnectedPair;
using demonstration::Demonstration;
using Watched = std::map<std::string, int>;  // a name for the output, the descriptor

void send_byte(const net::FileDescriptor& from, int flags = 0) {
  if (send(from.fd(), "!", 1, flags) < 0) throw net::SystemError("send");
}

// Puts all that is watched into the sets that `which` names, and calls select once. Tells what it returned
// and, set by set, whose bit it has left.
std::string ask(const Watched& watched, const std::string& which, timeval* timeout) {
  std::map<char, fd_set> sets{{'r', {}}, {'w', {}}, {'x', {}}};
  int highest = -1;
  for (const auto& [name, fd] : watched) {
    for (const char set : which) FD_SET(fd, &sets[set]);
    highest = std::max(highest, fd);
  }
  const int ready = select(highest + 1, &sets['r'], &sets['w'], &sets['x'], timeout);
  if (ready < 0) return fmt::format("-1, errno {}", errno == EBADF ? "EBADF" : std::to_string(errno));
  std::string answer = ready == 0 ? "0, time over" : fmt::format("{} bit{}", ready, ready == 1 ? "" : "s");
  for (const char set : which) {
    std::string left;
    for (const auto& [name, fd] : watched) {
      if (FD_ISSET(fd, &sets[set])) left += name;
    }
    answer += fmt::format("  {}:{}", set, left.empty() ? "-" : left);
  }
  return answer;
}

std::string ask(const Watched& watched, const std::string& which) {
  timeval long_enough{.tv_sec = 5, .tv_usec = 0};
  return ask(watched, which, &long_enough);
}

// Waits until it has arrived: select would be content with the other connection's byte.
void wait_for_byte(const net::FileDescriptor& socket) {
  char byte = 0;
  if (recv(socket.fd(), &byte, 1, MSG_PEEK) < 0) throw net::SystemError("recv");
}

void situation_by_situation(Demonstration& demo) {
  const ConnectedPair a = demonstration::connected_pair();
  ConnectedPair b = demonstration::connected_pair();
  const Watched both{{"a", a.ours.fd()}, {"b", b.ours.fd()}};
  timeval timeout{.tv_sec = 0, .tv_usec = 50'000};
  demo.row("nothing is ready for 50 ms", ask(both, "r", &timeout), "0, time over  r:-");
  demo.row("what is left of the timeout", fmt::format("{} us", timeout.tv_usec), "0 us");  // Linux only
  send_byte(a.peer);
  demo.row("a has a byte", ask(both, "r"), "1 bit  r:a");
  send_byte(b.peer);
  wait_for_byte(b.ours);
  demo.row("a and b have a byte", ask(both, "r"), "2 bits  r:ab");
  demo.row("a has a byte, and room to send", ask({{"a", a.ours.fd()}}, "rw"), "2 bits  r:a  w:a");

  const ConnectedPair c = demonstration::connected_pair();
  const auto start = std::chrono::steady_clock::now();
  const std::jthread late([&c] { std::this_thread::sleep_for(100ms), send_byte(c.peer); });
  const std::string answer = ask({{"c", c.ours.fd()}}, "r", nullptr);
  const bool waited = std::chrono::steady_clock::now() - start >= 100ms;
  demo.row("null timeout; c gets a byte in 100 ms", answer + (waited ? "  waited" : "  early"),
           "1 bit  r:c  waited");

  const int closed = b.ours.fd();
  b.ours.close();
  demo.row("b was closed, its bit is still set", ask({{"b", closed}}, "r"), "-1, errno EBADF");

  const ConnectedPair urgent = demonstration::connected_pair();
  send_byte(urgent.peer, MSG_OOB);
  demo.row("e has an urgent (out-of-band) byte", ask({{"e", urgent.ours.fd()}}, "rx"), "1 bit  r:-  x:e");
  ConnectedPair ended = demonstration::connected_pair();
  ended.peer.close();
  demo.row("f's peer has closed", ask({{"f", ended.ours.fd()}}, "rx"), "1 bit  r:f  x:-");
  ConnectedPair broken = demonstration::connected_pair();
  demonstration::reset_on_close(broken.peer);
  broken.peer.close();
  demo.row("g's peer has reset the connection", ask({{"g", broken.ours.fd()}}, "rx"), "1 bit  r:g  x:-");
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("select-returns", "Shows what select returns, situation by situation.").parse(argc, argv);
  return net::run_program("select-returns", [] {
    Demonstration demo;
    situation_by_situation(demo);
    return demo.exit_code();
  });
}
