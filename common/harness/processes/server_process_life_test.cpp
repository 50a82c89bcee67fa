// What a server's process gets from the harness, and that none of it is left behind.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <set>
#include <string>
#include <vector>

#include "common/harness/processes/process_usage.h"
#include "common/testing/made_up_servers.h"
#include "common/testing/processes.h"
#include "common/testing/waiting.h"

using namespace std::chrono_literals;
using testing::announcer;
using testing::becomes_true;
using testing::complaint_about;
using testing::python_server;
using testing::ServerProcess;

namespace {

// A zombie has ended: whether somebody waits for it is not up to the one who killed it.
bool runs(pid_t pid) {
  const char state = harness::state_of(pid);
  return state != ' ' && state != 'Z' && state != 'X';
}

}  // namespace

TEST_CASE("a server that goes into the background is told of, and what it left is ended") {
  // As daemon(7) has it: a session of its own, then a second fork.
  const std::string script =
      "if os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n"
      "    print(os.getpid(), file=sys.stderr, flush=True)\n    time.sleep(60)\n  os._exit(0)\n"
      "os.wait()\n";
  const auto children = harness::process_tree(getpid());
  const std::string complaint = complaint_about({.words = python_server(script)});
  CAPTURE(complaint);
  const auto at = complaint.find("it left process ");
  REQUIRE(at != std::string::npos);
  CHECK_FALSE(runs(std::stoi(complaint.substr(at + 16))));
  CHECK(harness::process_tree(getpid()) == children);  // nor is a zombie of it left

  pid_t daemon = 0;
  {
    const ServerProcess server(
        {.words = python_server(script + "print('listening on 127.0.0.1:9', flush=True)\n"
                                         "time.sleep(60)\n")});
    REQUIRE(becomes_true([&] { return !server.last_words().empty(); }));
    daemon = std::stoi(server.last_words());
    CHECK(runs(daemon));
    const auto living = server.living_processes();
    CHECK(std::set<pid_t>(living.begin(), living.end()) == std::set<pid_t>{server.pid(), daemon});
  }
  CHECK_FALSE(runs(daemon));
}

TEST_CASE("how a server fares") {
  ServerProcess server({.words = announcer(":", "exec sleep 60")});
  CHECK(server.how_it_fares() == "still runs");
  REQUIRE(server.pause());
  CHECK(server.how_it_fares() == "still runs");
  server.send_signal(SIGCONT);
  server.send_signal(SIGPIPE);
  CHECK(server.wait_for_end(10s) == "killed by signal 13 (SIGPIPE)");
  CHECK(server.how_it_fares() == "killed by signal 13 (SIGPIPE)");
  CHECK(server.ended_by(SIGPIPE));
  CHECK_FALSE(server.pause());
}

TEST_CASE("a limit of descriptors holds for the server alone") {
  const ServerProcess server(
      {.words = announcer("echo $(ulimit -S -n) $(ulimit -H -n) >&2"), .descriptor_limit = 77});
  CHECK(server.last_words() == "77 77");
  rlimit own{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &own) == 0);
  CHECK(own.rlim_cur != 77);
}

TEST_CASE("a server runs on the core that it is given") {
  const int core = sched_getcpu();  // where this runs, the server may run too
  const ServerProcess server(
      {.words = announcer("grep -o 'Cpus_allowed_list:.*' /proc/self/status | tr -d '\\t' >&2"),
       .core = core});
  CHECK(server.last_words() == "Cpus_allowed_list:" + std::to_string(core));
}

TEST_CASE("a server inherits no blocked signal, no input and no file of the harness") {
  int inheritable = 0;  // what was left open for all programs before the tests began
  for (int fd = 0; fd < 1024; ++fd) {
    const int flags = fcntl(fd, F_GETFD);
    inheritable += flags >= 0 && (flags & FD_CLOEXEC) == 0 ? 1 : 0;
  }
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  REQUIRE(pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
  ServerProcess server({.words = announcer("bytes=$(wc -c); set -- /proc/$$/fd/*; echo $bytes $# >&2")});
  REQUIRE(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  CHECK(server.last_words().starts_with("0 "));
  CHECK(std::stoi(server.last_words().substr(2)) <=
        inheritable + 1);  // the shell itself looks into that folder
  server.send_signal(SIGTERM);
  CHECK(server.wait_for_end(10s) == "killed by signal 15 (SIGTERM)");
}

TEST_CASE("the last words are the last line, however much was said before") {
  const ServerProcess server(
      {.words = announcer("yes a line like many others | head -n 20000 >&2; echo the end >&2")});
  CHECK(server.last_words() == "the end");
}

TEST_CASE("a server that talks without end on stdout is not held up") {
  const ServerProcess server(
      {.words = announcer(":", "head -c 1000000 /dev/zero; echo done >&2; exec sleep 60")});
  CHECK(becomes_true([&] { return server.last_words() == "done"; }));
}

TEST_CASE("nothing that the server has started outlives it") {
  std::vector<pid_t> processes;
  {
    // A child and a grandchild that ignore the polite signals.
    const ServerProcess server(
        {.words = announcer("sh -c 'trap \"\" TERM INT HUP; sleep 60 & echo $$ $! >&2; wait' & "
                            "while [ ! -s /proc/$$/fd/2 ]; do sleep 0.01; done",
                            "wait")});
    REQUIRE(becomes_true([&] { return server.last_words().find(' ') != std::string::npos; }));
    const std::string words = server.last_words();
    processes = {server.pid(), std::stoi(words), std::stoi(words.substr(words.find(' ')))};
    for (const pid_t pid : processes) CHECK(runs(pid));
  }
  for (const pid_t pid : processes) CHECK(becomes_true([&] { return !runs(pid); }));
  CHECK(kill(processes.front(), 0) == -1);  // reaped, too
}

TEST_CASE("a server ends when the harness is killed") {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t mini_harness = fork();
  REQUIRE(mini_harness >= 0);
  if (mini_harness == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      const ServerProcess server({.words = announcer(":")});
      const pid_t pid = server.pid();
      if (write(ends[1], &pid, sizeof(pid)) == sizeof(pid)) pause();
    } catch (...) {
    }
    _exit(1);
  }
  pid_t server = 0;
  close(ends[1]);
  REQUIRE(read(ends[0], &server, sizeof(server)) == sizeof(server));
  close(ends[0]);
  CHECK(runs(server));
  kill(mini_harness, SIGKILL);
  REQUIRE(waitpid(mini_harness, nullptr, 0) == mini_harness);
  CHECK(becomes_true([&] { return !runs(server); }));
}
