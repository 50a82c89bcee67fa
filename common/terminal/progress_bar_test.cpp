#include "common/terminal/progress_bar.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

TEST_CASE("a bar is full as far as it is said, and never longer than it is") {
  CHECK(terminal::bar_of(0, 3) == "░░░");
  CHECK(terminal::bar_of(2, 3) == "██░");
  CHECK(terminal::bar_of(7, 3) == "███");
}

TEST_CASE("no colours go to a file") {
  const int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
  REQUIRE(file >= 0);
  CHECK_FALSE(terminal::may_colour(file));
  close(file);
}
