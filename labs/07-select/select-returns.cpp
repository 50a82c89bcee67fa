// select-returns: what select gives back, situation by situation, on socket pairs and TCP connections.
//
// Run:       build/bin/select-returns
// Look for:  the number counts the bits that are left in the sets (r: readable, w: writable, x: the third one); 0
//            means that the time is over. The third set is about urgent data: a reset shows as readable. Each
//            answer is compared with what select(2) and tcp(7) say; exit code 1 if one differs.

#include <fmt/format.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <map>
#include <string>
#include <thread>

#include "common/net/command_line.h"
#include "common/net/listener.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

using namespace std::chrono_literals;
using Watched = std::map<std::string, int>;  // a name for the output, the descriptor

int checked(const char* call, ssize_t result) {
  if (result < 0) throw net::SystemError(call);
  return static_cast<int>(result);
}

struct Pair {
  net::FileDescriptor ours, peer;
  void peer_sends(int flags = 0) const { checked("send", send(peer.number(), "!", 1, flags)); }
};

Pair local_pair() {
  std::array<int, 2> ends{};
  checked("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()));
  return {net::FileDescriptor(ends[0]), net::FileDescriptor(ends[1])};
}

Pair tcp_pair() {
  const net::FileDescriptor listener = net::open_listener(net::Address::resolve("127.0.0.1", 0));
  const net::Address address = net::Address::of_socket(listener.number());
  net::FileDescriptor peer(checked("socket", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  checked("connect", connect(peer.number(), address.data(), address.size()));
  return {net::FileDescriptor(checked("accept4", accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC))),
          std::move(peer)};
}

// Puts all that is watched into the sets that `which` names, and calls select once. Tells what it returned and, set
// by set, whose bit it has left.
std::string ask(const Watched& watched, const std::string& which, timeval* timeout) {
  std::map<char, fd_set> sets{{'r', {}}, {'w', {}}, {'x', {}}};
  int highest = -1;
  for (const auto& [name, number] : watched) {
    for (const char set : which) FD_SET(number, &sets[set]);
    highest = std::max(highest, number);
  }
  const int ready = select(highest + 1, &sets['r'], &sets['w'], &sets['x'], timeout);
  if (ready < 0) return fmt::format("-1, errno {}", errno == EBADF ? "EBADF" : std::to_string(errno));
  std::string answer = ready == 0 ? "0, time over" : fmt::format("{} bit{}", ready, ready == 1 ? "" : "s");
  for (const char set : which) {
    std::string left;
    for (const auto& [name, number] : watched) {
      if (FD_ISSET(number, &sets[set])) left += name;
    }
    answer += fmt::format("  {}:{}", set, left.empty() ? "-" : left);
  }
  return answer;
}

std::string ask(const Watched& watched, const std::string& which) {
  timeval long_enough{.tv_sec = 5, .tv_usec = 0};
  return ask(watched, which, &long_enough);
}

bool show(const std::string& situation, const std::string& seen, const std::string& described) {
  fmt::print("{:<38} {:<20} {}\n", situation, seen, seen == described ? "as described" : "NOT: " + described);
  return seen == described;
}

bool all_as_described() {
  bool good = true;
  Pair a = local_pair();
  Pair b = local_pair();
  const Watched both{{"a", a.ours.number()}, {"b", b.ours.number()}};
  timeval timeout{.tv_sec = 0, .tv_usec = 50'000};
  good &= show("nothing is ready for 50 ms", ask(both, "r", &timeout), "0, time over  r:-");
  good &= show("what is left of the timeout", fmt::format("{} us", timeout.tv_usec), "0 us");  // Linux only
  a.peer_sends();
  good &= show("a has a byte", ask(both, "r"), "1 bit  r:a");
  b.peer_sends();
  good &= show("a and b have a byte", ask(both, "r"), "2 bits  r:ab");
  good &= show("a has a byte, and room to send", ask({{"a", a.ours.number()}}, "rw"), "2 bits  r:a  w:a");

  const Pair c = local_pair();
  const auto start = std::chrono::steady_clock::now();
  const std::jthread late([&c] { std::this_thread::sleep_for(100ms), c.peer_sends(); });
  const std::string answer = ask({{"c", c.ours.number()}}, "r", nullptr);
  const bool waited = std::chrono::steady_clock::now() - start >= 100ms;
  good &= show("null timeout; c gets a byte in 100 ms", answer + (waited ? "  waited" : "  early"),
               "1 bit  r:c  waited");

  const int closed = b.ours.number();
  b.ours.close();
  good &= show("b was closed, its bit is still set", ask({{"b", closed}}, "r"), "-1, errno EBADF");

  const Pair urgent = tcp_pair();
  urgent.peer_sends(MSG_OOB);
  good &=
      show("e has an urgent (out-of-band) byte", ask({{"e", urgent.ours.number()}}, "rx"), "1 bit  r:-  x:e");
  Pair ended = tcp_pair();
  ended.peer.close();
  good &= show("f's peer has closed", ask({{"f", ended.ours.number()}}, "rx"), "1 bit  r:f  x:-");
  Pair broken = tcp_pair();
  const linger at_once{.l_onoff = 1, .l_linger = 0};  // close sends a reset
  checked("setsockopt", setsockopt(broken.peer.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
  broken.peer.close();
  good &=
      show("g's peer has reset the connection", ask({{"g", broken.ours.number()}}, "rx"), "1 bit  r:g  x:-");
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("select-returns", "Shows what select returns, situation by situation.").parse(argc, argv);
  try {
    return all_as_described() ? 0 : 1;
  } catch (const std::exception& error) {
    net::say("select-returns", error.what());
    return 1;
  }
}
