// million: as many live TCP connections as this machine's memory holds, both ends here; then each answers
// once.
//
// Run:       build/bin/million                          (a million: about 8 GB of memory)
//            build/bin/million --connections 20000
// Look for:  the bytes of an idle connection: nearly all of them are the kernel's (slab), hardly any are the
//            program's. Which limit is met first.
// How:       a process may have so many descriptors and no more (20,000, say), and a connection has two ends.
//            So there are many processes, each with both ends of its share. This file is the parent, which
//            starts them and adds up.
// Read:      connections.cpp, what each process does: the epoll loop. limits.cpp, what stands in the way, and
//            what a program may do about it. memory.cpp, what is measured. processes.cpp, how they end
//            together and go on together.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>

#include "common/kernel/numbers.h"
#include "common/net/command_line.h"
#include "common/net/server.h"
#include "labs/14-million-connections/connections.h"
#include "labs/14-million-connections/display.h"
#include "labs/14-million-connections/limits.h"
#include "labs/14-million-connections/memory.h"
#include "labs/14-million-connections/plan.h"
#include "labs/14-million-connections/processes.h"

namespace {

using namespace million;
using Clock = std::chrono::steady_clock;

// The parent's part: starts the processes, watches the limits, lets all go on together, adds up.
class Million {
 public:
  Million(std::int64_t wish, std::int64_t keep_free)
      : wish_(wish), keep_free_(keep_free), plan_(Plan::make(wish)) {}

  int run() {
    const Clock::time_point begin = Clock::now();
    open_all();
    const std::chrono::duration<double> opening = Clock::now() - begin;
    bar_.clear();
    report_opened(opening.count());
    if (sum(&Tally::opened) == 0) return 1;
    report_memory();
    return answer_all() ? 0 : 1;
  }

  // Time to look at them from outside: ss -t, slabtop.
  void hold(std::chrono::seconds time) {
    const Clock::time_point end = Clock::now() + time;
    while (Clock::now() < end) crew_.wait_for_news();
  }

  void close_all() {
    leave_.open();
    while (!crew_.all_gone()) {
      const auto left = static_cast<std::int64_t>(crew_.processes().size());
      bar_.show("closing, processes gone:", started_ - left, started_);
      crew_.wait_for_news();
    }
  }

 private:
  // As many processes open at a time as there are cores.
  void open_all() {
    int idle_turns = 0;
    for (;;) {
      watch_limits();
      while (more_to_start() && opening() < cores()) start_next();
      if (opening() == 0 && !more_to_start()) return;
      const std::int64_t before = sum(&Tally::opened);
      crew_.wait_for_news();
      idle_turns = sum(&Tally::opened) == before ? idle_turns + 1 : 0;
      if (idle_turns > 300)
        throw std::runtime_error(
            "no connection could be opened for 15 s (a firewall for the loopback device?)");
    }
  }

  bool more_to_start() const { return started_ < plan_.processes && board_.limit() == Limit::none; }
  std::int64_t opening() { return started_ - count(&Tally::has_opened); }

  void start_next() {
    const std::int64_t process = started_;
    const auto part = [this, process] {
      ask_.open();
      leave_.open();
      const std::int64_t first = process * plan_.each;
      const std::int64_t listeners = divided_up(plan_.each, EphemeralPorts::read().quick_connections());
      Tally& tally = board_.tally(static_cast<std::size_t>(process));
      Connections connections(first, std::min(plan_.each, plan_.connections - first), process * listeners,
                              tally);
      connections.open(board_);
      Crew::tell_parent();
      ask_.wait();
      connections.answer_once_each();
      Crew::tell_parent();
      leave_.wait();
    };
    if (crew_.start(part)) {
      ++started_;
    } else {
      board_.stop(Limit::processes);
    }
  }

  // Stops the opening while there is still memory for everybody else, and tells the user how far it will go.
  void watch_limits() {
    const std::int64_t available = available_memory(before_);
    const std::int64_t opened = sum(&Tally::opened);
    if (available < keep_free_) board_.stop(Limit::memory);
    if (tracking_is_full()) board_.stop(Limit::tracking);
    if (opened < 2000) return;  // too few to tell what one costs
    std::string remark = fmt::format("{} bytes of slab each",
                                     grouped((Memory::now().unreclaimable - before_.unreclaimable) / opened));
    const std::int64_t taken = available_before_ - available;
    if (taken > 0) {
      const std::int64_t room =
          std::max<std::int64_t>(0, available - keep_free_) / std::max<std::int64_t>(1, taken / opened);
      remark += fmt::format(", room for {}", grouped(opened + room));
    }
    bar_.show("opened", opened, plan_.connections, remark);
  }

  void report_opened(double seconds) {
    const std::int64_t opened = sum(&Tally::opened);
    const Limit limit = board_.limit() == Limit::none ? plan_.limit : board_.limit();
    report("opened", fmt::format("{} of {} connections in {:.2f} s ({:.0f} connections/s)", opened, wish_,
                                 seconds, static_cast<double>(opened) / seconds));
    report("stopped by", opened < wish_ ? explain(limit) : explain(Limit::none));
    report("processes", fmt::format("{}, up to {} descriptors each", started_, plan_.descriptors.most));
    report("descriptors", plan_.descriptors.remark);
  }

  // The growth since the start, while all connections are open and silent. Others' work is in it too: mostly
  // in the part called reclaimable, where every file goes that somebody looks at.
  void report_memory() {
    const std::int64_t opened = sum(&Tally::opened);
    const Memory now = Memory::now();
    report("kernel memory", fmt::format("{} bytes of slab a connection, both ends; reclaimable: {}",
                                        (now.unreclaimable - before_.unreclaimable) / opened,
                                        (now.reclaimable - before_.reclaimable) / opened));
    std::int64_t user = proportional_memory("self");
    for (const pid_t process : crew_.processes()) user += proportional_memory(std::to_string(process));
    report("user memory", fmt::format("{} bytes per connection (PSS of all processes)", user / opened));
  }

  // True if every connection has answered, and rightly.
  bool answer_all() {
    const Clock::time_point begin = Clock::now();
    const std::int64_t opened = sum(&Tally::opened);
    ask_.open();
    while (count(&Tally::has_answered) < started_) {
      crew_.wait_for_news();
      bar_.show("answered", sum(&Tally::answered), opened);
    }
    bar_.clear();
    const std::chrono::duration<double> seconds = Clock::now() - begin;
    const std::int64_t answered = sum(&Tally::answered);
    report("answered", fmt::format("{} of {} in {:.2f} s", answered, opened, seconds.count()));
    return answered == opened;
  }

  std::int64_t sum(std::atomic<std::int64_t> Tally::*what) {
    std::int64_t total = 0;
    for (std::int64_t i = 0; i < started_; ++i) total += board_.tally(static_cast<std::size_t>(i)).*what;
    return total;
  }
  std::int64_t count(std::atomic<bool> Tally::*what) {
    std::int64_t total = 0;
    for (std::int64_t i = 0; i < started_; ++i) total += board_.tally(static_cast<std::size_t>(i)).*what;
    return total;
  }

  std::int64_t wish_, keep_free_;
  Plan plan_;
  Board board_{static_cast<std::size_t>(plan_.processes)};
  Gate ask_, leave_;
  Memory before_ = Memory::now();
  std::int64_t available_before_ = available_memory(before_);
  Progress bar_;
  std::int64_t started_ = 0;
  Crew crew_;  // the last member: ended first
};

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t mebibyte = 1024 * 1024;
  std::int64_t connections = 1'000'000;
  std::int64_t hold = 0;
  std::int64_t keep_free = std::max<std::int64_t>(
      256, kernel::number_behind("MemTotal:", "/proc/meminfo").value_or(0) / 1024 / 16);
  net::CommandLine options(
      "million",
      "Opens as many TCP connections as this machine holds, both ends here; then each answers once.");
  options.number("--connections", connections, 1, 16'000'000, "how many connections are wished for");
  options.number("--keep-free", keep_free, 0, mebibyte * 1024,
                 "MiB of memory that are to stay free for others");
  options.number("--hold", hold, 0, 86400, "seconds that all stay open after they have answered");
  options.parse(argc, argv);
  return net::run_program("million", [&] {
    try {
      Million million(connections, keep_free * mebibyte);
      const int exit_code = million.run();
      million.hold(std::chrono::seconds(hold));
      million.close_all();
      return exit_code;
    } catch (const Interrupted& interrupted) {
      return 128 + interrupted.signal;  // as shells say it
    }
  });
}
