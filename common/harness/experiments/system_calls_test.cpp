#include "common/harness/experiments/system_calls.h"

#include <doctest/doctest.h>

using harness::parse_strace_summary;

TEST_CASE("the table of strace -c is read, with and without errors") {
  const auto calls = parse_strace_summary(
      "% time     seconds  usecs/call     calls    errors syscall\n"
      "------ ----------- ----------- --------- --------- ----------------\n"
      " 25.37    0.000376           3       100           sendto\n"
      " 23.08    0.000342           3       102         1 epoll_wait\n"
      "  0.00    0.000000           0         1         1 access\n"
      "------ ----------- ----------- --------- --------- ----------------\n"
      "100.00    0.001482           3       392         3 total\n");
  CHECK(calls == std::map<std::string, std::int64_t>{{"sendto", 100}, {"epoll_wait", 102}, {"access", 1}});
}

TEST_CASE("a table without a total, or no table at all, holds no call that is none") {
  CHECK(parse_strace_summary("").empty());
  CHECK(parse_strace_summary("strace: attach: ptrace(PTRACE_SEIZE, 7): Operation not permitted\n").empty());
}
