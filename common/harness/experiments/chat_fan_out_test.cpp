#include "common/harness/experiments/chat_fan_out.h"

#include <doctest/doctest.h>

TEST_CASE("traced calls: each counts once, also one that another thread interrupts; signals and ends don't") {
  const std::string before = "7  socket(AF_INET) = 3\n";
  const std::string record = before +
                             "7  sendto(3, \"a\\n\", 2, 0, NULL, 0) = 2\n"
                             "8  recvfrom(4, <unfinished ...>\n"
                             "7  epoll_wait(5, [], 256, -1) = 1\n"
                             "8  <... recvfrom resumed>\"x(y\", 16384, 0, NULL, NULL) = 3\n"
                             "8  --- SIGTERM {si_signo=SIGTERM} ---\n"
                             "8  +++ exited with 0 +++\n"
                             "7  sendto(3, <unfinished ...>";
  CHECK(harness::count_traced_calls(record, before.size()) == 4);
  CHECK(harness::count_traced_calls(record, 0) == 5);
  CHECK(harness::count_traced_calls(record, record.size() + 1) == 0);
}
