// vanishing-peer: the cable is pulled in mid-stream. Who notices, and when?
//
// Run:       build/bin/vanishing-peer                        nobody asks whether the peer is alive
//            build/bin/vanishing-peer --probe keepalive      the kernel asks a silent peer: 1 s, then 2 × 1 s
//            build/bin/vanishing-peer --probe user-timeout   what was sent must be acknowledged within 2 s
// Look for:  send goes on succeeding until the buffer is full, then it blocks. Keepalive finds the dead peer
//            on the idle connection only, the user timeout only where data is under way. When the peer is
//            back, what the old connection still held doesn't follow. About 6 s. Two network namespaces play
//            the two hosts; exit code 77 where the machine allows none, 1 if it is not as described.

#include <fmt/format.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include "common/demonstration/connected_pair.h"
#include "common/demonstration/demonstration.h"
#include "common/demonstration/two_hosts.h"
#include "common/net/command_line.h"
#include "common/net/connection.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using demonstration::Answer;
using demonstration::ConnectedPair;

// A message is 1000 bytes: its number, and nothing else of interest.
struct Message {
  std::int64_t number = 0;
  std::array<char, 992> filler{};
};
constexpr long message_size = sizeof(Message);

Answer send_message(const net::FileDescriptor& connection, std::int64_t number) {
  const Message message{.number = number};
  return send(connection.fd(), &message, sizeof(message), MSG_NOSIGNAL);
}

std::int64_t receive_message(const net::FileDescriptor& connection) {
  Message message;
  if (recv(connection.fd(), &message, sizeof(message), MSG_WAITALL) < 0) throw net::SystemError("recv");
  return message.number;
}

void set(const net::FileDescriptor& socket, int level, int option, int value) {
  if (setsockopt(socket.fd(), level, option, &value, sizeof(value)) < 0) throw net::SystemError("setsockopt");
}

void set_probe(const net::FileDescriptor& socket, const std::string& probe) {
  if (probe == "keepalive") {
    set(socket, IPPROTO_TCP, TCP_KEEPIDLE, 1);   // seconds of silence before the first probe
    set(socket, IPPROTO_TCP, TCP_KEEPINTVL, 1);  // seconds from probe to probe
    set(socket, IPPROTO_TCP, TCP_KEEPCNT, 2);    // so many without an answer end it
    set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  }
  if (probe == "user-timeout") set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 2000);  // milliseconds
}

class Story {
 public:
  explicit Story(std::string probe) : probe_(std::move(probe)), listener_(hosts_.listen_there(9000)) {}

  int tell() {
    two_connections();
    send_into_the_void();
    watch();
    peer_comes_back();
    return demo_.exit_code();
  }

 private:
  ConnectedPair connect() {
    ConnectedPair pair;
    pair.ours = net::connect_to(net::Address::of_socket(listener_.fd()));
    pair.peer = net::FileDescriptor{accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!pair.peer) throw net::SystemError("accept");
    return pair;
  }

  void two_connections() {
    demo_.situation("Two hosts, one cable, two connections: one idle, one busy (with data sent).");
    demo_.shows("probe", probe_);
    idle_ = connect();
    busy_ = connect();
    set_probe(idle_.ours, probe_);
    set_probe(busy_.ours, probe_);
    while (accepted_ < 1000) {
      if (send_message(busy_.ours, accepted_ + 1).result != message_size) throw net::SystemError("send");
      read_ = receive_message(busy_.peer);
      ++accepted_;
    }
    demo_.shows("messages sent", std::to_string(accepted_));
    demo_.shows("messages that the peer has read", std::to_string(read_));
  }

  void send_into_the_void() {
    demo_.situation("The cable is pulled. We go on sending; a send may block for 1 s here.");
    hosts_.pull_cable();
    pulled_ = Clock::now();
    const timeval patience{.tv_sec = 1, .tv_usec = 0};
    if (setsockopt(busy_.ours.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0) {
      throw net::SystemError("setsockopt SO_SNDTIMEO");
    }
    const std::int64_t before = accepted_;
    Clock::time_point begun;
    Answer answer = 0;
    for (;;) {
      begun = Clock::now();
      answer = send_message(busy_.ours, accepted_ + 1);
      if (answer.result < message_size) break;
      ++accepted_;
    }
    const std::chrono::duration<double> blocked = Clock::now() - begun;
    demo_.shows("sends that succeeded after that", std::to_string(accepted_ - before));
    demo_.call(fmt::format("the next send of 1000 bytes, after {:.1f} s", blocked.count()), answer);
    demo_.states("send succeeds until the buffer is full; then it blocks.",
                 accepted_ > before && blocked > 0.9s && answer.result < message_size);
    int arrived = 0;
    if (ioctl(busy_.peer.fd(), SIOCINQ, &arrived) < 0) throw net::SystemError("ioctl SIOCINQ");
    demo_.shows("bytes of it that have reached the peer", std::to_string(arrived));
    demo_.states("Nothing of it has arrived.", arrived == 0);
    tell_what_the_sender_knows();
  }

  void tell_what_the_sender_knows() {
    tcp_info info{};
    socklen_t size = sizeof(info);
    int waiting = 0;
    if (getsockopt(busy_.ours.fd(), IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
      throw net::SystemError("getsockopt");
    if (ioctl(busy_.ours.fd(), SIOCOUTQ, &waiting) < 0) throw net::SystemError("ioctl SIOCOUTQ");
    const bool established = info.tcpi_state == TCP_ESTABLISHED;
    demo_.shows("the connection's state", established ? "ESTABLISHED" : std::to_string(info.tcpi_state));
    demo_.shows("bytes that nobody has acknowledged", std::to_string(waiting));
    demo_.states("The sender has noticed nothing.", established && waiting > 0);
  }

  // Waits for an end, an error or a hang-up of either, and shows what recv says then.
  void watch() {
    demo_.situation("We watch both connections until 4.5 s after the cut.");
    std::array<pollfd, 2> watched{{{.fd = idle_.ours.fd(), .events = POLLIN | POLLRDHUP, .revents = 0},
                                   {.fd = busy_.ours.fd(), .events = POLLIN | POLLRDHUP, .revents = 0}}};
    const std::array<std::string, 2> names{"idle", "busy"};
    std::array<bool, 2> noticed{};
    while (wait_until(pulled_ + 4500ms, watched)) {
      for (std::size_t i = 0; i < watched.size(); ++i) {
        if (watched[i].fd < 0 || watched[i].revents == 0) continue;
        const Answer answer = receive_byte(watched[i].fd);
        demo_.call(fmt::format("{} after {:.1f} s: recv", names[i], seconds_since_the_cut()), answer);
        noticed[i] = answer.failed_with(ETIMEDOUT) || answer.failed_with(EHOSTUNREACH);
        watched[i].fd = -1;  // poll passes it over
      }
    }
    for (std::size_t i = 0; i < watched.size(); ++i) {
      if (!noticed[i]) demo_.shows(names[i], fmt::format("nothing in {:.1f} s", seconds_since_the_cut()));
    }
    noticed_by_busy_ = noticed[1];
    demo_.shows("found the dead peer", name_of(noticed[0], noticed[1]));
    judge(noticed[0], noticed[1]);
  }

  static bool wait_until(Clock::time_point deadline, std::array<pollfd, 2>& watched) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    const int ready = poll(watched.data(), watched.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready < 0) throw net::SystemError("poll");
    return ready > 0;
  }

  static Answer receive_byte(int fd) {
    char byte = 0;
    return recv(fd, &byte, 1, MSG_DONTWAIT);
  }

  double seconds_since_the_cut() const {
    return std::chrono::duration<double>(Clock::now() - pulled_).count();
  }

  static std::string name_of(bool idle, bool busy) {
    if (idle && busy) return "both";
    if (!idle && !busy) return "neither";
    return idle ? "the idle one" : "the busy one";
  }

  void judge(bool idle, bool busy) {
    if (probe_ == "none") {
      demo_.states("Neither connection has noticed anything.", !idle && !busy);
    } else if (probe_ == "keepalive") {
      demo_.states("Keepalive has found the dead peer of the idle connection.", idle);
      demo_.states("It has not found it where data is under way.", !busy);
    } else {
      demo_.states("The user timeout has found it where data is under way.", busy);
      demo_.states("It has not found it on the idle connection.", !idle);
    }
  }

  // A host that lost its power says nothing: its sockets go while the cable is out, and what they send is
  // lost.
  void peer_comes_back() {
    demo_.situation("The peer starts again, the cable is back. We connect anew and go on.");
    for (ConnectedPair* const lost : {&idle_, &busy_}) {
      demonstration::reset_on_close(lost->peer);
      lost->peer.close();
    }
    hosts_.plug_cable_in();
    const ConnectedPair anew = connect();
    const std::int64_t next = accepted_ + 1;
    if (send_message(anew.ours, next).result != message_size) throw net::SystemError("send");
    const std::int64_t first = receive_message(anew.peer);
    demo_.shows("the last message that the peer read before", std::to_string(read_));
    demo_.shows("the first one that it reads now", std::to_string(first));
    demo_.shows("messages that send had accepted, and nobody got", std::to_string(first - read_ - 1));
    demo_.states("What the old connection held doesn't follow.", first == next && first - read_ > 1);
    if (!noticed_by_busy_) old_connection();
  }

  void old_connection() {
    std::array<pollfd, 2> watched{{{.fd = busy_.ours.fd(), .events = POLLIN | POLLRDHUP, .revents = 0},
                                   {.fd = -1, .events = 0, .revents = 0}}};
    wait_until(Clock::now() + 8s, watched);
    const Answer answer = receive_byte(busy_.ours.fd());
    demo_.call(fmt::format("the old connection after {:.1f} s: recv", seconds_since_the_cut()), answer);
    demo_.states("Its next try reaches a peer that knows nothing of it: a reset.",
                 answer.failed_with(ECONNRESET));
  }

  std::string probe_;
  demonstration::Demonstration demo_;
  demonstration::TwoHosts hosts_;
  net::FileDescriptor listener_;
  ConnectedPair idle_, busy_;
  Clock::time_point pulled_;
  std::int64_t accepted_ = 0;  // the last message that send took
  std::int64_t read_ = 0;      // the last one that the peer read before the cut
  bool noticed_by_busy_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine options("vanishing-peer", "Pulls the cable between two hosts in mid-stream.");
  std::string probe = "none";
  options.text("--probe", probe, "how the kernel is to find out", {"none", "keepalive", "user-timeout"});
  options.parse(argc, argv);
  return net::run_program("vanishing-peer", [&] {
    try {
      return Story(probe).tell();
    } catch (const demonstration::NotAllowed& reason) {
      fmt::print("skipped: {}\n", reason.what());
      return demonstration::skipped;
    }
  });
}
