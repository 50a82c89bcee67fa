#include "common/harness/processes/process_usage.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "common/testing/child.h"
#include "common/testing/waiting.h"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using testing::Child;
using testing::sleep_forever;

namespace {

void burn(std::chrono::nanoseconds cpu) {
  const auto used = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  for (const auto begin = used(); used() - begin < cpu;) {
  }
}

// A child of the caller that lives as long as the caller.
template <typename Work>
pid_t fork_off(const Work& work) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent) work();
  _exit(0);
}

bool contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

}  // namespace

TEST_CASE("CPU time shows in the process that burns it, and not in one that sleeps") {
  const Child burner([](Child&) {
    for (;;) burn(1s);
  });
  const Child sleeper([](Child& self) {
    self.tell();
    sleep_forever();
  });
  REQUIRE(sleeper.hear());
  const auto burner_before = harness::cpu_time(burner.pid());
  const auto sleeper_before = harness::cpu_time(sleeper.pid());
  CHECK(testing::becomes_true([&] { return harness::cpu_time(burner.pid()) - burner_before >= 50ms; }));
  CHECK(harness::cpu_usage(burner.pid()).cpu - burner_before >= 50ms);
  CHECK(harness::cpu_time(sleeper.pid()) - sleeper_before < 20ms);
}

TEST_CASE("CPU time of children counts, of those that live and of those that were waited for") {
  const Child child([](Child& self) {
    waitpid(fork_off([] { burn(100ms); }), nullptr, 0);
    self.tell();
    self.hear();
    fork_off([&self] {
      burn(100ms);
      self.tell();
      sleep_forever();
    });
    sleep_forever();
  });
  REQUIRE(child.hear());
  const auto reaped = harness::cpu_time(child.pid());
  CHECK(reaped >= 80ms);  // the kernel counts it in ticks
  CHECK(harness::cpu_usage(child.pid()).cpu >= 80ms);
  child.tell();
  REQUIRE(child.hear());
  CHECK(harness::cpu_time(child.pid()) - reaped >= 100ms);
}

TEST_CASE("a process rests when none of its threads has anything to do") {
  const Child child([](Child& self) {
    std::thread other([&self] {
      self.hear();
      burn(1h);
    });
    self.tell();
    sleep_forever();
  });
  REQUIRE(child.hear());
  CHECK(testing::becomes_true([&] { return harness::rests(child.pid()); }));
  child.tell();
  CHECK(testing::becomes_true([&] { return !harness::rests(child.pid()); }));
  std::this_thread::sleep_for(50ms);
  CHECK_FALSE(harness::rests(child.pid()));
}

TEST_CASE("each wait that sleeps is a voluntary switch, in every thread") {
  constexpr int waits = 50;
  const Child child([](Child& self) {
    std::atomic<bool> other_is_done = false;
    const auto wait_again_and_again = [&self] {
      for (int i = 0; i < waits; ++i) self.hear();
      self.tell();
    };
    std::thread other([&] {
      wait_again_and_again();
      other_is_done = true;
      other_is_done.notify_one();
      sleep_forever();
    });
    other_is_done.wait(false);
    wait_again_and_again();
    sleep_forever();
  });
  std::int64_t counted = 0;
  for (const char* thread : {"the other", "the first"}) {
    CAPTURE(thread);
    for (int i = 0; i < waits; ++i) {
      // It is told to go on only when its sleep was counted: one that is too short to sleep is none.
      const auto one_more = [&] { return harness::cpu_usage(child.pid()).voluntary_switches > counted; };
      REQUIRE(testing::becomes_true(one_more));
      counted = harness::cpu_usage(child.pid()).voluntary_switches;
      child.tell();
    }
    REQUIRE(child.hear());
  }
  CHECK(counted >= 2 * waits);
  CHECK(harness::cpu_usage(child.pid()).involuntary_switches >= 0);
}

TEST_CASE("a page shared with a forked child counts once in proportional memory, twice in resident") {
  constexpr std::int64_t size = 64 << 20;
  const Child child([](Child& self) {
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    std::memset(memory, 1, size);
    self.tell();
    self.hear();
    fork_off([&self] {
      self.tell();
      sleep_forever();
    });
    sleep_forever();
  });
  REQUIRE(child.hear());
  const auto alone = harness::memory_usage(child.pid());
  CHECK(alone.resident_bytes >= size);
  CHECK(alone.proportional_bytes >= size);
  CHECK(alone.virtual_bytes >= alone.resident_bytes);
  CHECK(alone.page_table_bytes > 0);
  child.tell();
  REQUIRE(child.hear());
  const auto both = harness::memory_usage(child.pid());
  CHECK(both.resident_bytes - alone.resident_bytes >= size);
  CHECK(both.proportional_bytes >= size);
  CHECK(both.proportional_bytes - alone.proportional_bytes < size / 2);
  CHECK(both.threads >= alone.threads + 1);
}

TEST_CASE("threads are counted, and each has a kernel stack of whole pages") {
  const Child child([](Child& self) {
    self.tell();
    self.hear();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back(sleep_forever);
    self.tell();
    sleep_forever();
  });
  REQUIRE(child.hear());
  const auto before = harness::memory_usage(child.pid());
  child.tell();
  REQUIRE(child.hear());
  const auto after = harness::memory_usage(child.pid());
  CHECK(after.threads - before.threads == 3);
  for (const auto& usage : {before, after}) {
    const std::int64_t stack = usage.kernel_stack_bytes / usage.threads;
    CHECK(stack * usage.threads == usage.kernel_stack_bytes);
    CHECK(stack % 4096 == 0);
    CHECK(stack >= 4096);
    CHECK(stack <= 64 * 1024);
  }
}

TEST_CASE("a child that ended is a zombie until it is waited for") {
  const Child child([](Child& self) {
    const pid_t grandchild = fork_off([] {});
    self.hear();
    waitpid(grandchild, nullptr, 0);
    self.tell();
    sleep_forever();
  });
  CHECK(testing::becomes_true([&] { return harness::count_zombies(child.pid()) == 1; }));
  child.tell();
  REQUIRE(child.hear());
  CHECK(harness::count_zombies(child.pid()) == 0);
}

TEST_CASE("a process tree is a process with all its descendants, and with nobody else") {
  const Child other([](Child&) { sleep_forever(); });
  const Child child([](Child& self) {
    fork_off([&self] {
      fork_off([&self] {
        self.tell();
        sleep_forever();
      });
      sleep_forever();
    });
    sleep_forever();
  });
  REQUIRE(child.hear());
  const auto tree = harness::process_tree(child.pid());
  CHECK(tree.size() == 3);
  CHECK(tree.front() == child.pid());
  CHECK_FALSE(contains(tree, getpid()));
  CHECK_FALSE(contains(tree, other.pid()));
  CHECK(contains(harness::process_tree(getpid()), tree.back()));
}

TEST_CASE("who lives in a process group: its zombies don't") {
  const Child child([](Child& self) {
    setpgid(0, 0);
    fork_off([] {});
    fork_off([] { sleep_forever(); });
    self.tell();
    sleep_forever();
  });
  REQUIRE(child.hear());
  CHECK(testing::becomes_true([&] { return harness::count_living(child.pid()) == 2; }));
  CHECK(harness::count_zombies(child.pid()) == 1);
  kill(-child.pid(), SIGKILL);
  CHECK(testing::becomes_true([&] { return harness::count_living(child.pid()) == 0; }));
}

TEST_CASE("processes that come and go while they are looked at are no error") {
  const Child child([](Child& self) {
    self.tell();
    for (;;) {
      std::array<pid_t, 4> children{};
      for (pid_t& pid : children) pid = fork_off([] {});
      for (const pid_t pid : children) waitpid(pid, nullptr, 0);
    }
  });
  REQUIRE(child.hear());
  for (const auto end = Clock::now() + 300ms; Clock::now() < end;) {
    CHECK_NOTHROW(harness::cpu_usage(child.pid()));
    CHECK_NOTHROW(harness::memory_usage(child.pid()));
    CHECK_NOTHROW(harness::count_zombies(child.pid()));
  }
}

TEST_CASE("a process that is gone uses nothing") {
  pid_t gone = 0;
  {
    const Child child([](Child&) {});
    gone = child.pid();
  }
  CHECK(harness::cpu_time(gone) == 0ns);
  CHECK(harness::cpu_usage(gone).voluntary_switches == 0);
  CHECK(harness::memory_usage(gone).resident_bytes == 0);
  CHECK(harness::count_zombies(gone) == 0);
}

TEST_CASE("the calling thread's own CPU time grows by what it computes, the machine's counts never shrink") {
  const auto before = harness::own_usage();
  const auto stolen = harness::stolen_time();
  burn(20ms);
  const auto after = harness::own_usage();
  CHECK(after.cpu - before.cpu >= 19ms);
  CHECK(after.cpu - before.cpu < 10s);
  CHECK(after.run_delay >= before.run_delay);
  CHECK(harness::stolen_time() >= stolen);
  CHECK(harness::unreclaimable_slab_bytes() > 0);
}
