#include "common/harness/measuring/foreign_load.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <sstream>

#include "common/harness/measuring/environment.h"

using namespace std::chrono_literals;
using harness::busy_time;
using harness::foreign_share;

namespace {

constexpr const char* stat_text =
    "cpu  1111 222 333 9999 5 6 7 8 0 0\n"
    "cpu0 100 20 3 5000 5 6 7 8 0 0\n"
    "cpu1 1000 200 30 4000 1 1 1 1 0 0\n"
    "cpu10 11 2 300 999 0 0 0 0 0 0\n"
    "intr 12345 0 0\n"
    "ctxt 99\n";

std::chrono::nanoseconds ticks(std::int64_t count) {
  return std::chrono::nanoseconds(count * (1'000'000'000 / sysconf(_SC_CLK_TCK)));
}

constexpr const char* text_without_interrupts_apart =
    "cpu  1100 220 33 9000 6 0 706 9 0 0\n"
    "cpu0 100 20 3 5000 5 0 6 8 0 0\n"
    "cpu1 1000 200 30 4000 1 0 700 1 0 0\n";

std::chrono::nanoseconds busy_in_text(const std::vector<int>& cores, const char* text = stat_text) {
  std::istringstream stat(text);
  return busy_time(stat, cores);
}

}  // namespace

TEST_CASE(
    "a core's time is what threads ran on it, user and kernel, without interrupts and what was stolen") {
  CHECK(busy_in_text({0}) == ticks(123));
  CHECK(busy_in_text({1}) == ticks(1230));
  CHECK(busy_in_text({10}) == ticks(313));
  CHECK(busy_in_text({0, 1}) == ticks(1353));
  CHECK(busy_in_text({2}) == 0ns);
  CHECK(busy_in_text({}) == 0ns);
}

TEST_CASE("interrupts are in it where the kernel counts them as the processes' own: its irq is 0") {
  CHECK(busy_in_text({0}, text_without_interrupts_apart) == ticks(129));
  CHECK(busy_in_text({1}, text_without_interrupts_apart) == ticks(1930));
  CHECK(busy_in_text({0, 1}, text_without_interrupts_apart) == ticks(2059));
}

TEST_CASE("interrupts are apart on all cores, also on one that had none") {
  const char* text =
      "cpu  300 0 0 9000 0 2 40 0 0 0\ncpu0 100 0 0 5000 0 2 30 0 0 0\ncpu1 200 0 0 4000 0 0 10 0 0 0\n";
  CHECK(busy_in_text({1}, text) == ticks(200));
}

TEST_CASE("what others took is what is left of the cores' time, as a share of it") {
  CHECK(foreign_share(1s, 400ms, 1s, 1) == doctest::Approx(0.6));
  CHECK(foreign_share(1s, 400ms, 1s, 2) == doctest::Approx(0.3));
  CHECK(foreign_share(1s, 1s, 1s, 1) == 0);
  CHECK(foreign_share(400ms, 1s, 1s, 1) == 0);  // ticks missed the server
  CHECK(foreign_share(1s, 0s, 0s, 1) == 0);
  CHECK(foreign_share(1s, 0s, 1s, 0) == 0);
}

TEST_CASE("less than ticks can tell is nothing") {
  CHECK(foreign_share(100ms, 51ms, 100ms, 1) == 0);
  CHECK(foreign_share(100ms, 49ms, 100ms, 1) == doctest::Approx(0.51));
}

TEST_CASE("this machine's cores have been busy") { CHECK(busy_time(harness::usable_cores()) > 0ns); }
