#include "common/harness/processes/child_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include "common/harness/processes/memory_file.h"
#include "common/harness/processes/process_usage.h"
#include "common/testing/processes.h"

using namespace std::chrono_literals;
using harness::state_of;
using testing::ChildProcess;

TEST_CASE("a child gets the streams that it is given, and /dev/null for the others") {
  const harness::MemoryFile said("said");
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  const net::FileDescriptor in{ends[0]};
  net::FileDescriptor question{ends[1]};
  REQUIRE(write(question.fd(), "hello", 5) == 5);
  question.close();
  ChildProcess cat(
      {.words = {"sh", "-c", "cat; readlink /proc/self/fd/2"}, .input = in.fd(), .output = said.fd()});
  REQUIRE(cat.wait_for_end(10s));
  CHECK(cat.how_it_fares() == "exit 0");
  CHECK(said.contents() == "hello/dev/null\n");
  ChildProcess silent({.words = {"sh", "-c", "exit $(wc -c)"}});
  REQUIRE(silent.wait_for_end(10s));
  CHECK(silent.exit_code() == 0);
}

TEST_CASE("a child that has ended stays a zombie, whose group can be signalled, until it is destroyed") {
  const harness::MemoryFile said("said");
  pid_t leader = 0;
  pid_t orphan = 0;
  {
    ChildProcess child({.words = {"sh", "-c", "sleep 60 & echo $!; exit 3"}, .output = said.fd()});
    leader = child.pid();
    REQUIRE(child.wait_for_end(10s));
    CHECK(child.how_it_fares() == "exit 3");
    CHECK(child.exit_code() == 3);
    CHECK_FALSE(child.ended_by(3));
    CHECK(state_of(leader) == 'Z');
    orphan = std::stoi(said.contents());
    CHECK(child.living_family() == std::vector<pid_t>{orphan});
  }
  CHECK(state_of(leader) == ' ');
  CHECK(state_of(orphan) == ' ');  // it was adopted, so it is reaped as well
}

TEST_CASE("the time limit of waiting holds, and the end is seen before it") {
  const auto begin = std::chrono::steady_clock::now();
  ChildProcess child({.words = {"sleep", "60"}});
  CHECK_FALSE(child.wait_for_end(50ms));
  CHECK(std::chrono::steady_clock::now() - begin >= 50ms);
  CHECK(child.how_it_fares() == "still runs");
  CHECK_FALSE(child.exit_code());
  child.send_signal(SIGTERM);
  CHECK(child.wait_for_end(60s));
  CHECK(child.ended_by(SIGTERM));
  CHECK(std::chrono::steady_clock::now() - begin < 50s);
}

TEST_CASE("the CPU time of a child counts the children that it has waited for") {
  ChildProcess child({.words = {"sh", "-c", "timeout 0.3 sh -c 'while :; do :; done'; exit 0"}});
  REQUIRE(child.wait_for_end(30s));
  CHECK(child.cpu_time_until_end() > 1ms);
  CHECK(child.cpu_time_until_end() < 1s);
  ChildProcess idle({.words = {"true"}});
  REQUIRE(idle.wait_for_end(30s));
  CHECK(idle.cpu_time_until_end() < child.cpu_time_until_end());
}

TEST_CASE("a child is halted when pause returns, each time") {
  ChildProcess child({.words = {"sh", "-c", "while :; do :; done"}});
  for (int i = 0; i < 3; ++i) {
    REQUIRE(child.pause());
    CHECK(state_of(child.pid()) == 'T');
    child.send_signal(SIGCONT);
  }
}

TEST_CASE("what can't be executed is told of with the reason") {
  CHECK_THROWS_WITH_AS(ChildProcess({.words = {"/no/such/program"}}),
                       "/no/such/program does not start: No such file or directory", harness::CannotStart);
}
