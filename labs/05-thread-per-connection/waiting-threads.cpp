// waiting-threads: what a thread costs that only waits, and how many of them this machine makes.
//
// Run:       build/bin/waiting-threads
//            build/bin/waiting-threads --threads 2000 --stack 65536
// Look for:  the column `virtual` is the stack as it was asked for, megabytes of addresses; `together` is
//            what a thread really takes, kilobytes. What ends first is rarely memory: the table of limits
//            says what it is. Most of them count threads, so smaller stacks bring no more. At the limit no
//            program of this machine can start another one, so some threads are given back at once.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "common/kernel/numbers.h"
#include "common/net/command_line.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "labs/05-thread-per-connection/stack_option.h"
#include "labs/05-thread-per-connection/thread_limits.h"
#include "labs/05-thread-per-connection/thread_memory.h"

namespace {

using Microseconds = std::chrono::duration<double, std::micro>;

constexpr std::int64_t most_threads = 40'000;
constexpr std::int64_t first_step = 1000;  // then twice as many, and so on
// By so many threads other programs may have changed a count between the failure and the look at it.
constexpr std::int64_t disturbance = 64;

// Waits as long as it lives: for a mutex that its maker holds.
class WaitingThread {
 public:
  // Throws std::system_error when the thread can't be made.
  WaitingThread() : thread_([this] { const std::scoped_lock waits(end_); }) {}
  ~WaitingThread() {
    let_go();
    thread_.join();
  }
  WaitingThread(const WaitingThread&) = delete;
  WaitingThread& operator=(const WaitingThread&) = delete;

  // It ends soon; whoever lets many go need not wait for one after the other.
  void let_go() {
    if (held_) held_.unlock();
  }

 private:
  std::mutex end_;
  std::unique_lock<std::mutex> held_{end_};
  std::thread thread_;
};

// Says when to stop because of memory: at half of what was available, so that nothing else has to give way.
class MemoryMargin {
 public:
  MemoryMargin() : available_at_start_(available()), margin_(available_at_start_ / 2) {
    for (const char* name : {"memory.max", "memory.limit_in_bytes"}) {
      for (const auto& file : cgroup_files("memory", name)) {
        if (const auto bytes = kernel::number_in(file)) margin_ = std::min(margin_, *bytes / 1024 / 2);
      }
    }
  }

  bool is_reached() const { return available_at_start_ - available() >= margin_; }

 private:
  static std::int64_t available() {
    return kernel::number_behind("MemAvailable:", "/proc/meminfo").value_or(0);
  }

  std::int64_t available_at_start_;
  std::int64_t margin_;
};

class Experiment {
 public:
  Experiment(std::int64_t wanted, std::int64_t stack_bytes) : wanted_(wanted), stack_bytes_(stack_bytes) {}
  ~Experiment() {
    for (WaitingThread& thread : threads_) thread.let_go();
  }
  Experiment(const Experiment&) = delete;
  Experiment& operator=(const Experiment&) = delete;

  [[noreturn]] void run() {
    print("KiB for each:  virtual  resident   kernel     page   slab  together     µs to\n");
    print("threads                              stack   tables                  make one\n");
    std::string stopped_by;
    for (std::int64_t step = first_step; stopped_by.empty() && made() < wanted_; step *= 2) {
      stopped_by = take_step(std::min(step, wanted_));
    }
    show_end(stopped_by);
    // The kernel ends them all with the process. One by one takes some times as long.
    _exit(0);
  }

 private:
  std::int64_t made() const { return static_cast<std::int64_t>(threads_.size()); }

  // Makes threads until there are `count` and shows what they cost. Returns what stopped it before; empty if
  // nothing did.
  std::string take_step(std::int64_t count) {
    const std::int64_t before = made();
    const auto start = std::chrono::steady_clock::now();
    std::string stopped_by = make(count);
    const Microseconds took = std::chrono::steady_clock::now() - start;
    most_ = made();
    if (!stopped_by.empty()) give_back();
    limits_ = thread_limits(stack_bytes_);
    if (most_ > before) show_step(took / static_cast<double>(most_ - before));
    return stopped_by;
  }

  std::string make(std::int64_t count) {
    while (made() < count) {
      if (made() % 250 == 0 && margin_.is_reached()) return "half of the memory that was available is used";
      try {
        threads_.emplace_back();
      } catch (const std::system_error& error) {
        return std::string("pthread_create: ") + error.what();
      } catch (const std::bad_alloc&) {
        return "no memory for its object";
      }
    }
    return "";
  }

  // At the limit nobody on this machine can start a process. Others are to wait for milliseconds, not for the
  // measuring.
  void give_back() {
    given_back_ = std::min<std::int64_t>(100, most_ / 10);
    for (std::int64_t i = 0; i < given_back_; ++i) threads_.pop_back();
  }

  void show_step(Microseconds to_make_one) const {
    const ThreadMemory each = thread_memory().for_each_of(made(), at_start_);
    print("{:7}  {:13.1f}  {:8.1f}  {:7.1f}  {:7.1f}  {:5.1f}  {:8.1f}  {:8.0f}\n", most_, each.virtual_kib,
          each.resident_kib, each.kernel_stack_kib, each.page_tables_kib, each.slab_kib, each.together_kib(),
          to_make_one.count());
  }

  void show_end(const std::string& stopped_by) const {
    if (given_back_ > 0) print("\n{} threads given back, so that other programs can start\n", given_back_);
    print("\n{:18}{:>9}{:>9}{:>10}  of what\n", "limit", "in use", "allowed", "room for");
    for (const ThreadLimit& limit : limits_) {
      print("{:18}{:9}{:9}{:10}  {}\n", limit.name, limit.used, limit.allowed, limit.room(), limit.of_what);
    }
    print("\n{}\n", stopped_by.empty() ? fmt::format("made all {} threads", most_)
                                       : fmt::format("stopped at {} threads: {}", most_, stopped_by));
    if (!stopped_by.empty()) print("the limit reached: {}\n", limit_reached());
  }

  std::string limit_reached() const {
    const auto nearest = std::min_element(limits_.begin(), limits_.end(), has_less_room);
    const bool is_near = nearest != limits_.end() && nearest->room() <= given_back_ + disturbance;
    return is_near ? nearest->name : "none of these";
  }

  static bool has_less_room(const ThreadLimit& one, const ThreadLimit& other) {
    return one.room() < other.room();
  }

  // Flushed as it comes: a step takes a second.
  template <typename... Values>
  static void print(fmt::format_string<Values...> format, Values&&... values) {
    fmt::print(format, std::forward<Values>(values)...);
    if (std::fflush(stdout) != 0) throw net::SystemError("write to stdout");
  }

  std::int64_t wanted_;
  std::int64_t stack_bytes_;
  MemoryMargin margin_;
  ThreadMemory at_start_ = thread_memory();
  std::deque<WaitingThread> threads_;
  std::int64_t most_ = 0;        // that there were at once
  std::int64_t given_back_ = 0;  // of them
  std::vector<ThreadLimit> limits_;
};

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine options("waiting-threads",
                           "Makes threads that wait, and shows what each takes and what ends it.");
  std::int64_t threads = most_threads;
  options.number("--threads", threads, 1, most_threads, "how many to make, if this machine lets it");
  const StackOption stack(options);
  options.parse(argc, argv);
  return net::run_program("waiting-threads", [&] {
    stack.apply();
    Experiment(threads, stack.bytes()).run();
    return 0;
  });
}
