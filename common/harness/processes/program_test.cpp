#include "common/harness/processes/program.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sched.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/harness/processes/process_usage.h"
#include "common/testing/interruptible.h"
#include "common/testing/processes.h"
#include "common/testing/waiting.h"

using namespace std::chrono_literals;
using harness::state_of;
using testing::becomes_true;
using testing::Program;
using Lines = std::vector<std::string>;

namespace {

struct Programs : testing::Interruptible {
  std::string complaint(const std::string& script, const std::function<void(Program&)>& use) const {
    try {
      Program program({"/bin/sh", "-c", script}, {}, interruption);
      use(program);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "none";
  }
};

void wait_for_success(Program& program) { program.wait_for_success(10s); }
void wait_until_listening(Program& program) { program.wait_until_listening(); }

}  // namespace

TEST_CASE_FIXTURE(Programs, "what a program says is kept, whole lines only, however much it is") {
  Program talker({"/bin/sh", "-c", "seq 20000; echo oh >&2; printf 'half a line'"}, {}, interruption);
  talker.wait_for_success(10s);
  const Lines said = talker.stdout_lines();
  REQUIRE(said.size() == 20'000);
  CHECK(said.front() == "1");
  CHECK(said.back() == "20000");
  CHECK(talker.stderr_lines() == Lines{"oh"});
}

TEST_CASE_FIXTURE(Programs, "a program that fails is told of with its last words") {
  CHECK(complaint("exit 0", wait_for_success) == "none");
  CHECK(complaint("echo first >&2; echo last >&2; exit 3", wait_for_success) == "sh failed (exit 3): last");
  CHECK(complaint("kill -9 $$", wait_for_success) == "sh failed (killed by signal 9 (SIGKILL))");
  CHECK(complaint("exec sleep 60", [](Program& program) { program.wait_for_success(0ms); }) ==
        "sh did not end within 0 s");
  CHECK_THROWS_WITH(Program({"/no/such/program"}, {}, interruption),
                    "/no/such/program does not start: No such file or directory");
}

TEST_CASE_FIXTURE(Programs, "the address is the one that is announced") {
  Program server({"/bin/sh", "-c", "echo listening on 127.0.0.1:9; exec sleep 60"}, {}, interruption);
  CHECK(server.wait_until_listening().to_string() == "127.0.0.1:9");
  CHECK(complaint("echo hello; exec sleep 60", wait_until_listening) ==
        "sh announced 'hello' instead of 'listening on HOST:PORT'");
  CHECK(complaint("echo listening on nowhere; exec sleep 60", wait_until_listening) ==
        "sh announced 'listening on nowhere' instead of 'listening on HOST:PORT'");
  CHECK(complaint("exit 0", wait_until_listening) == "sh never announced itself ('listening on HOST:PORT')");
  CHECK(complaint("echo no port >&2; exit 1", wait_until_listening) == "sh failed (exit 1): no port");
}

TEST_CASE_FIXTURE(Programs, "a halted program does nothing until it is resumed") {
  Program counter({"/bin/sh", "-c", "echo $$; while :; do echo on; done"}, {}, interruption);
  REQUIRE(becomes_true([&] { return counter.stdout_lines().size() > 1; }));
  counter.pause();
  CHECK(state_of(std::stoi(counter.stdout_lines().front())) == 'T');
  const std::size_t said = counter.stdout_lines().size();
  Program({"/bin/sh", "-c", "echo meanwhile"}, {}, interruption).wait_for_success(10s);
  CHECK(counter.stdout_lines().size() == said);
  counter.resume();
  CHECK(becomes_true([&] { return counter.stdout_lines().size() > said; }));
  CHECK(complaint("exit 4", [](Program& ended) {
          CHECK_THROWS(ended.wait_for_success(10s));
          ended.pause();
        }) == "sh ended too soon (exit 4)");
}

TEST_CASE_FIXTURE(Programs, "nothing is left: neither a program, halted or not, nor what it has started") {
  Lines pids;
  {
    Program family({"/bin/sh", "-c", "sleep 60 & echo $!; echo $$; wait"}, {}, interruption);
    REQUIRE(becomes_true([&] { return family.stdout_lines().size() == 2; }));
    pids = family.stdout_lines();
    family.pause();
  }
  for (const std::string& pid : pids)
    CHECK(becomes_true([&] { return state_of(std::stoi(pid)) == ' ' || state_of(std::stoi(pid)) == 'Z'; }));
}

TEST_CASE_FIXTURE(Programs, "it runs on the cores that it is given, and blocks no signal") {
  const int core = sched_getcpu();  // where this runs, the program may run too
  Program grep({"/bin/grep", "-E", "Cpus_allowed_list|SigBlk", "/proc/self/status"}, {core}, interruption);
  grep.wait_for_success(10s);
  CHECK(grep.stdout_lines() ==
        Lines{"SigBlk:\t0000000000000000", fmt::format("Cpus_allowed_list:\t{}", core)});
}

TEST_CASE_FIXTURE(Programs, "waiting for it ends on Ctrl-C") {
  Program program({"/bin/sh", "-c", "exec sleep 60"}, {}, interruption);
  REQUIRE(raise(SIGINT) == 0);
  CHECK_THROWS_AS(program.wait_for_success(60s), harness::Interrupted);
  CHECK_THROWS_AS(program.wait_until_listening(), harness::Interrupted);
  const timespec now{};
  sigset_t arrived;
  sigemptyset(&arrived);
  sigaddset(&arrived, SIGINT);
  CHECK(sigtimedwait(&arrived, nullptr, &now) == SIGINT);  // not for the tests that follow
}
