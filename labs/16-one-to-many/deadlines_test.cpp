#include "labs/16-one-to-many/deadlines.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace {

constexpr Deadlines::Clock::time_point begin{};

}  // namespace

TEST_CASE("without a deadline a wait has no end") {
  Deadlines deadlines;
  CHECK(deadlines.milliseconds_left(begin) == -1);
  deadlines.set(4, begin + 2s);
  deadlines.erase(4);
  CHECK(deadlines.milliseconds_left(begin) == -1);
  CHECK_FALSE(deadlines.take_due(begin + 1h));
}

TEST_CASE("a wait lasts until the first deadline, rounded up, and no less than nothing") {
  Deadlines deadlines;
  deadlines.set(4, begin + 2s);
  deadlines.set(5, begin + 1500us);
  CHECK(deadlines.milliseconds_left(begin) == 2);
  CHECK(deadlines.milliseconds_left(begin + 1h) == 0);
}

TEST_CASE("what is due is taken out once, the others stay") {
  Deadlines deadlines;
  for (const int fd : {4, 5, 6}) deadlines.set(fd, begin + fd * 1s);
  CHECK(deadlines.take_due(begin + 5s) == 4);
  CHECK(deadlines.take_due(begin + 5s) == 5);
  CHECK_FALSE(deadlines.take_due(begin + 5s));
  CHECK(deadlines.milliseconds_left(begin + 5s) == 1000);
}

TEST_CASE("who gets more time while another one's is over is not due") {
  Deadlines deadlines;
  for (const int fd : {4, 5}) deadlines.set(fd, begin + 1s);
  CHECK(deadlines.take_due(begin + 1s) == 4);
  deadlines.set(5, begin + 9s);
  CHECK_FALSE(deadlines.take_due(begin + 1s));
}

TEST_CASE("the first deadline stays when it is set again, unless it is replaced") {
  Deadlines deadlines;
  deadlines.set_first(4, begin + 2s);
  deadlines.set_first(4, begin + 9s);
  CHECK(deadlines.milliseconds_left(begin) == 2000);
  deadlines.set(4, begin + 9s);
  CHECK(deadlines.milliseconds_left(begin) == 9000);
}
