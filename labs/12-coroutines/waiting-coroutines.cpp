// waiting-coroutines: what a coroutine costs that waits for its client, counted up to a million of them.
//
// Run:       build/bin/waiting-coroutines                  compare with   build/bin/waiting-threads
// Look for:  bytes for each, resident: the very handler of build/bin/coroutines, waiting for its client's
//            first word. No sockets are opened, so that nothing but the coroutines is counted; a million
//            sockets are lab 14. In the end each is resumed once, finds its client gone, and gives its memory
//            back.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "common/net/command_line.h"
#include "common/net/server.h"
#include "labs/12-coroutines/echo.h"

namespace {

using Clock = std::chrono::steady_clock;

// Stands in for a Socket, member for member, with no client behind it. Who waits for it is noted where the
// event loop would tell the kernel.
class Parked {
 public:
  explicit Parked(std::vector<std::coroutine_handle<>>& waiting) : waiting_(&waiting) {}

  int fd() const { return descriptor_.fd(); }
  std::span<char> buffer() const { return {}; }

  struct Waits : std::suspend_always {
    Parked& parked;
    explicit Waits(Parked& of) : parked(of) {}
    void await_suspend(std::coroutine_handle<> handle) const { parked.waiting_->push_back(handle); }
  };
  Waits readable() { return Waits(*this); }
  Waits writable() { return Waits(*this); }

 private:
  net::FileDescriptor descriptor_;
  std::uint32_t interest_ [[maybe_unused]] = 0;
  std::vector<std::coroutine_handle<>>* waiting_;
};
static_assert(sizeof(Parked) == sizeof(Socket));

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  if (!(file >> total >> resident)) throw net::SystemError("read /proc/self/statm");
  return resident * sysconf(_SC_PAGESIZE);
}

class Crowd {
 public:
  // Room for all handles is touched now, so that it doesn't count as growth; and a few come first and go,
  // with what only the first ones need.
  explicit Crowd(std::size_t most) : waiting_(most) {
    waiting_.clear();
    grow_to(std::min<std::size_t>(1000, most));
    resume_all();
  }

  void grow_to(std::size_t count) {
    while (waiting_.size() < count) {
      const std::size_t made = waiting_.size();
      echo(Parked(waiting_));
      if (waiting_.size() == made)
        throw std::runtime_error(fmt::format("no memory after {} coroutines", made));
    }
  }

  // Each finds its client gone. True if all of them have ended: who hasn't would wait again.
  bool resume_all() {
    for (std::size_t left = waiting_.size(); left > 0; --left) {
      const std::coroutine_handle<> last = waiting_.back();
      waiting_.pop_back();
      last.resume();
    }
    return waiting_.empty();
  }

 private:
  std::vector<std::coroutine_handle<>> waiting_;
};

void count_up_to(std::size_t count) {
  Crowd crowd(count);
  fmt::print("{:>12} {:>14} {:>16} {:>17}\n", "coroutines", "resident MB", "bytes for each",
             "ns to make one");
  const std::int64_t before = resident_bytes();
  const auto start = Clock::now();
  for (std::size_t step = std::min<std::size_t>(1000, count);; step = std::min(step * 10, count)) {
    crowd.grow_to(step);
    const std::chrono::duration<double, std::nano> took = Clock::now() - start;
    const std::int64_t grown = resident_bytes() - before;
    fmt::print("{:>12} {:>14.1f} {:>16.1f} {:>17.0f}\n", step, static_cast<double>(grown) / 1e6,
               static_cast<double>(grown) / static_cast<double>(step),
               took.count() / static_cast<double>(step));
    if (std::fflush(stdout) != 0) throw net::SystemError("write to stdout");
    if (step == count) break;
  }
  if (!crowd.resume_all()) throw std::runtime_error("not all of them have ended");
  fmt::print("all {} were resumed and have ended\n", count);
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t count = 1'000'000;
  net::CommandLine options("waiting-coroutines",
                           "Counts what waiting coroutines cost, up to a million of them.");
  options.number("--count", count, 1, 100'000'000, "how many");
  options.parse(argc, argv);
  return net::run_program("waiting-coroutines", [&] {
    count_up_to(static_cast<std::size_t>(count));
    return 0;
  });
}
