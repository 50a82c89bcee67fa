#include "common/harness/processes/core_demand.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <unistd.h>

#include <ctime>
#include <thread>

#include "common/testing/child.h"

using namespace std::chrono_literals;
using testing::Child;

namespace {

// Restricts the calling thread, and the children that it makes meanwhile, to one core.
class OnOneCore {
 public:
  OnOneCore() {
    REQUIRE(sched_getaffinity(0, sizeof(before_), &before_) == 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (std::size_t core = 0; CPU_COUNT(&one) == 0; ++core) {
      if (CPU_ISSET(core, &before_)) CPU_SET(core, &one);
    }
    REQUIRE(sched_setaffinity(0, sizeof(one), &one) == 0);
  }
  ~OnOneCore() { sched_setaffinity(0, sizeof(before_), &before_); }
  OnOneCore(const OnOneCore&) = delete;
  OnOneCore& operator=(const OnOneCore&) = delete;

 private:
  cpu_set_t before_{};
};

// Where the judge draws its line.
constexpr double needs_no_little = 0.25;

void spin(Child&) {
  volatile bool always = true;
  while (always) {
  }
}

void wake_up_now_and_then(Child&) {
  for (;;) {
    const timespec span{.tv_sec = 0, .tv_nsec = 2'000'000};
    nanosleep(&span, nullptr);
  }
}

}  // namespace

TEST_CASE("core demand: who spins wants a whole core, also where three share it; who sleeps wants none") {
  const OnOneCore together;
  const Child spinning(spin);
  const Child beside(spin);
  const Child another(spin);
  const Child sleeping([](Child&) { testing::sleep_forever(); });
  const harness::CoreDemand spins(spinning.pid());
  const harness::CoreDemand sleeps(sleeping.pid());
  std::this_thread::sleep_for(1s);
  // The wait that it is in shows only when it is over, so this is less than 1 where many wait for the core.
  CHECK(spins.cores() > needs_no_little);
  CHECK(spins.waited() > 100ms);
  CHECK(sleeps.cores() < needs_no_little / 5);
}

TEST_CASE(
    "core demand: who wakes up often, and waits long for its core each time, still wants little of it") {
  const OnOneCore together;
  const Child waking(wake_up_now_and_then);
  const Child beside(spin);
  const Child another(spin);
  const harness::CoreDemand wakes(waking.pid());
  std::this_thread::sleep_for(1s);
  CHECK(wakes.cores() > 0.0);
  CHECK(wakes.cores() < needs_no_little);
}

TEST_CASE("core demand: two threads that spin want two cores; children that have ended count too") {
  const Child two([](Child& child) {
    std::thread other([&child] { spin(child); });
    spin(child);
  });
  const Child parent([](Child& child) {
    child.hear();
    if (const pid_t pid = fork(); pid == 0) {
      timespec used{};
      while (used.tv_sec == 0 && used.tv_nsec < 200'000'000) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
      _exit(0);
    } else {
      waitpid(pid, nullptr, 0);
    }
    child.tell();
    testing::sleep_forever();
  });
  std::this_thread::sleep_for(50ms);  // both threads are there
  const harness::CoreDemand twice(two.pid());
  const harness::CoreDemand of_a_child(parent.pid());
  const auto start = std::chrono::steady_clock::now();
  parent.tell();
  REQUIRE(parent.hear());
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  CHECK(of_a_child.cores() * passed.count() > 0.15);
  CHECK(twice.cores() > 1 + needs_no_little);
}
