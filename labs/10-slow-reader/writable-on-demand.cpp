// writable-on-demand: an event loop that asks for EPOLLOUT only while bytes wait to be sent.
//
// Run:       build/bin/writable-on-demand       both ends are inside; takes a second
// Look for:  how often epoll_wait returned, and how often there was nothing to do. always-writable is the
//            same program with the classic mistake.
// Compare:   diff labs/10-slow-reader/writable-on-demand.cpp labs/10-slow-reader/always-writable.cpp

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>
#include <span>
#include <thread>
#include <vector>

#include "common/demonstration/connected_pair.h"
#include "common/net/command_line.h"
#include "common/net/pending_bytes.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

constexpr int messages = 50;                     // one every 20 ms: a second
constexpr std::size_t message_size = 64 * 1024;  // more than the socket takes at once
constexpr demonstration::Buffers buffers{.send = 8192, .receive = 8192};

class Writer {
 public:
  explicit Writer(net::FileDescriptor connection)
      : connection_(std::move(connection)),
        timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (!timer_) throw net::SystemError("timerfd_create");
    if (!epoll_) throw net::SystemError("epoll_create1");
    const itimerspec every_20_ms{.it_interval = {.tv_sec = 0, .tv_nsec = 20'000'000},
                                 .it_value = {.tv_sec = 0, .tv_nsec = 20'000'000}};
    if (timerfd_settime(timer_.fd(), 0, &every_20_ms, nullptr) < 0) {
      throw net::SystemError("timerfd_settime");
    }
    watch(EPOLL_CTL_ADD, timer_, EPOLLIN);
    watch(EPOLL_CTL_ADD, connection_, 0U);
  }

  // A message every 20 ms, until all are sent.
  void run() {
    while (produced_ < messages || !pending_.empty()) {
      std::array<epoll_event, 2> events{};
      const int ready = epoll_wait(epoll_.fd(), events.data(), 2, -1);
      if (ready < 0 && errno != EINTR) throw net::SystemError("epoll_wait");
      ++returns_;
      bool useful = false;
      for (int i = 0; i < ready; ++i) {
        const bool is_timer = events[static_cast<std::size_t>(i)].data.fd == timer_.fd();
        useful |= is_timer ? produce() : send_pending();
      }
      if (!useful) ++useless_;
    }
  }

  void report(std::chrono::duration<double> took) const {
    const double a_second = 1 / took.count();
    fmt::print("{} messages, {} bytes sent in {:.2f} s\n", produced_, sent_, took.count());
    fmt::print("epoll_wait returned {:.0f} times a second, {:.0f} of them with nothing to do\n",
               returns_ * a_second, useless_ * a_second);
    // The thread's own time: the reader at the other end doesn't count.
    timespec cpu{};
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) < 0) throw net::SystemError("clock_gettime");
    fmt::print("the loop used {:.0f} ms of CPU time\n",
               static_cast<double>(cpu.tv_sec) * 1e3 + static_cast<double>(cpu.tv_nsec) / 1e6);
    fmt::print("verdict: {}\n", useless_ > returns_ / 2 ? "the loop SPINS: most of its turns did nothing"
                                                        : "the loop sleeps until there is something to do");
  }

 private:
  bool produce() {
    std::uint64_t expirations = 0;
    if (read(timer_.fd(), &expirations, sizeof expirations) < 0) throw net::SystemError("read timer");
    if (produced_ == messages) return false;
    ++produced_;
    pending_.append(std::vector<char>(message_size, 'm'));
    return send_pending();
  }

  // Sends what the socket takes. False if there was nothing to send.
  bool send_pending() {
    if (pending_.empty()) return false;
    const std::span<const char> unsent = pending_.bytes();
    const ssize_t sent = send(connection_.fd(), unsent.data(), unsent.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && !net::is_try_again(errno)) throw net::SystemError("send");
    if (sent > 0) {
      pending_.consume(static_cast<std::size_t>(sent));
      sent_ += sent;
    }
    watch(EPOLL_CTL_MOD, connection_, pending_.empty() ? 0U : EPOLLOUT);
    return true;
  }

  void watch(int operation, const net::FileDescriptor& descriptor, std::uint32_t events) {
    epoll_event wanted{.events = events, .data = {.fd = descriptor.fd()}};
    if (epoll_ctl(epoll_.fd(), operation, descriptor.fd(), &wanted) < 0) {
      throw net::SystemError("epoll_ctl");
    }
  }

  net::FileDescriptor connection_, timer_, epoll_;
  net::PendingBytes pending_;
  int produced_ = 0;
  std::int64_t sent_ = 0;
  double returns_ = 0;
  double useless_ = 0;
};

void read_to_the_end(const net::FileDescriptor& connection) {
  std::array<char, 16 * 1024> buffer{};
  while (recv(connection.fd(), buffer.data(), buffer.size(), 0) > 0) continue;
}

int run() {
  demonstration::ConnectedPair pair = demonstration::connected_pair(buffers);
  const std::jthread reader([&pair] { read_to_the_end(pair.peer); });
  const auto begin = std::chrono::steady_clock::now();
  Writer writer(std::move(pair.ours));
  writer.run();
  writer.report(std::chrono::steady_clock::now() - begin);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const char* program = "writable-on-demand";
  net::CommandLine(program, "An event loop that asks for EPOLLOUT only while bytes wait to be sent.")
      .parse(argc, argv);
  return net::run_program(program, run);
}
