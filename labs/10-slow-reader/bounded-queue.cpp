// bounded-queue: a producer that is faster than the reader, with a queue between them that has a high- and a
// low-water mark.
//
// Run:       build/bin/bounded-queue            both ends are inside; takes 2 seconds
// Look for:  at the high-water mark the producer is paused, at the low-water mark it goes on. So the speed of
//            the reader travels back to where the bytes are made (backpressure), and the memory stays.
//            unbounded-queue is the same program without the marks.
// Compare:   diff labs/10-slow-reader/unbounded-queue.cpp labs/10-slow-reader/bounded-queue.cpp

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <fstream>
#include <string>
#include <thread>

#include "common/demonstration/connected_pair.h"
#include "common/net/command_line.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto duration = 2s;
constexpr int messages_a_millisecond = 20;  // of 1 KiB: the producer makes 20 MB a second
constexpr std::size_t message_size = 1024;
constexpr std::size_t high_water = 256 * 1024;
constexpr std::size_t low_water = 64 * 1024;
constexpr demonstration::Buffers buffers{.send = 32 * 1024, .receive = 32 * 1024};

std::size_t resident_bytes() {
  std::size_t virtual_pages = 0, resident_pages = 0;
  std::ifstream("/proc/self/statm") >> virtual_pages >> resident_pages;  // proc(5)
  return resident_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

double megabytes(std::size_t bytes) { return static_cast<double>(bytes) / 1e6; }

class Program {
 public:
  explicit Program(net::FileDescriptor connection) : connection_(std::move(connection)) {}

  void run() {
    const std::size_t memory_before = resident_bytes();
    for (int tick = 1; tick <= duration / 1ms; ++tick) {
      if (!paused_) produce();
      const Clock::time_point next_tick = begin_ + tick * 1ms;
      while (Clock::now() < next_tick) send_waiting_until(next_tick);
      if (tick % 250 == 0) report(tick);
      if (tick == duration / 2ms) longest_at_half_time_ = longest_;
    }
    judge(resident_bytes() - memory_before);
  }

 private:
  void produce() {
    for (int i = 0; i < messages_a_millisecond; ++i) queue_.emplace_back(message_size, 'm');
    produced_ += messages_a_millisecond * message_size;
    longest_ = std::max(longest_, queued());
    check_marks();
  }

  // One turn of an event loop: waits for room, if there is something to send, and for the time of the next
  // messages.
  void send_waiting_until(Clock::time_point deadline) {
    pollfd room{.fd = connection_.fd(), .events = POLLOUT, .revents = 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const int time = static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
    const int ready = poll(&room, queue_.empty() ? 0 : 1, time);
    if (ready < 0 && errno != EINTR) throw net::SystemError("poll");
    while (ready > 0 && !queue_.empty() && send_first()) continue;
    check_marks();
  }

  // Sends what the socket takes of the oldest message. False if it took none of it.
  bool send_first() {
    std::string& first = queue_.front();
    const ssize_t sent = send(connection_.fd(), first.data(), first.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && !net::is_try_again(errno)) throw net::SystemError("send");
    if (sent <= 0) return false;
    sent_ += static_cast<std::size_t>(sent);
    first.erase(0, static_cast<std::size_t>(sent));
    if (first.empty()) queue_.pop_front();
    return true;
  }

  void check_marks() {
    if (!paused_ && queued() >= high_water) {
      paused_ = true;
      ++pauses_;
    } else if (paused_ && queued() <= low_water) {
      paused_ = false;
      ++resumes_;
    }
  }

  std::size_t queued() const { return produced_ - sent_; }

  void report(int tick) const {
    fmt::print("{:.2f} s: produced {:5.1f} MB, sent {:4.1f} MB, queued {:6.3f} MB, memory {:5.1f} MB\n",
               tick / 1e3, megabytes(produced_), megabytes(sent_), megabytes(queued()),
               megabytes(resident_bytes()));
    std::fflush(stdout);
  }

  void judge(std::size_t growth) const {
    fmt::print("the producer was paused {} times and resumed {} times\n", pauses_, resumes_);
    fmt::print("longest queue {:.3f} MB; memory grew by {:.1f} MB\n", megabytes(longest_), megabytes(growth));
    const bool bounded = longest_ < longest_at_half_time_ * 3 / 2;
    fmt::print("verdict: the queue is {}\n", bounded ? "BOUNDED: as long in the first second as in the second"
                                                     : "UNBOUNDED: it grows as long as the reader is slower");
  }

  net::FileDescriptor connection_;
  std::deque<std::string> queue_;
  std::size_t produced_ = 0, sent_ = 0, longest_ = 0, longest_at_half_time_ = 0;
  bool paused_ = false;
  int pauses_ = 0, resumes_ = 0;
  Clock::time_point begin_ = Clock::now();
};

// 16 KiB every 10 ms: 1.6 MB a second at most.
void read_slowly(const net::FileDescriptor& connection) {
  std::array<char, 16 * 1024> buffer{};
  while (recv(connection.fd(), buffer.data(), buffer.size(), 0) > 0) std::this_thread::sleep_for(10ms);
}

int run() {
  demonstration::ConnectedPair pair = demonstration::connected_pair(buffers);
  const std::jthread reader([&pair] { read_slowly(pair.peer); });
  Program(std::move(pair.ours)).run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const char* program = "bounded-queue";
  net::CommandLine(program, "A producer, a slow reader, and a queue with water marks between them.")
      .parse(argc, argv);
  return net::run_program(program, run);
}
