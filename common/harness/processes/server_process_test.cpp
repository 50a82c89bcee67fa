#include "common/harness/processes/server_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/harness/processes/known_servers.h"
#include "common/harness/processes/process_usage.h"
#include "common/testing/connection.h"
#include "common/testing/processes.h"

using namespace std::chrono_literals;
using harness::ServerCommand;
using harness::ServerError;
using testing::Connection;
using testing::ServerProcess;
using Clock = std::chrono::steady_clock;

namespace {

// Something like a server: announces a port that nobody serves, after what `before` says.
std::vector<std::string> script(const std::string& before, const std::string& after = "exec sleep 60") {
  return {"sh", "-c", before + "; echo listening on 127.0.0.1:9; " + after};
}

std::vector<std::string> python(const std::string& script, const std::string& argument = "") {
  return {"/usr/bin/env", "python3", "-c", "import os, socket, sys, time\n" + script, argument};
}

std::string epoll_server() { return harness::program_folder() + "/../bin/epoll"; }

bool echoes(const net::Address& server) {
  Connection client(server);
  client.send("hello");
  return client.receive(5) == "hello";
}

bool waits_for(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + 10s;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

// A zombie has ended: whether somebody waits for it is not up to the one who killed it.
bool runs(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  const char state = line.at(line.rfind(')') + 2);
  return state != 'Z' && state != 'X';
}

std::string complaint_about(const ServerCommand& command) {
  try {
    const ServerProcess server(command);
  } catch (const ServerError& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a server of the labs starts, serves, and ends with exit code 0") {
  ServerProcess server({.words = {epoll_server(), "--port", "0"}});
  CHECK(server.alive());
  CHECK(server.address().to_string() == "127.0.0.1:" + std::to_string(server.address().port()));
  CHECK(echoes(server.address()));
  CHECK_FALSE(server.wait_for_end(0ms));
  server.send_signal(SIGTERM);
  CHECK(server.wait_for_end(10s) == "exit 0");
  CHECK_FALSE(server.alive());
  CHECK(server.wait_for_end(0ms) == "exit 0");
  CHECK(server.last_words().empty());
  server.send_signal(SIGTERM);  // to nobody
}

TEST_CASE("a server that is killed says by which signal") {
  ServerProcess server({.words = script(":")});
  server.send_signal(SIGKILL);
  CHECK(server.wait_for_end(10s) == "killed by signal 9 (SIGKILL)");
}

TEST_CASE("a server that dies at once is an error with its exit code and its last words") {
  CHECK(complaint_about({.words = {"sh", "-c", "echo first >&2; echo no such luck >&2; exit 3"}}) ==
        "server 'sh -c echo first >&2; echo no such luck >&2; exit 3' ended at once (exit 3): no such luck");
  CHECK(complaint_about({.words = {"true"}}) == "server 'true' ended at once (exit 0)");
}

TEST_CASE("a server that never announces itself is an error in the time it was given, and is ended") {
  const auto children = harness::process_tree(getpid());
  const auto begin = Clock::now();
  CHECK(complaint_about({.words = {"sleep", "61.25"}, .start_timeout = 100ms})
            .starts_with("server 'sleep 61.25' never announced itself"));
  CHECK(Clock::now() - begin >= 100ms);
  CHECK(Clock::now() - begin < 30s);
  CHECK(harness::process_tree(getpid()) == children);  // none is left, not even a zombie
}

TEST_CASE("a server that says something else is an error that quotes it") {
  CHECK(complaint_about({.words = {"sh", "-c", "echo hello world; exec sleep 60"}})
            .ends_with("announced 'hello world' instead of 'listening on HOST:PORT'"));
  const std::vector<std::string> announcements{"listening on 127.0.0.1",       "listening on :80",
                                               "listening on a:123456",        "listening on 127.0.0.1:99999",
                                               "Listening on 127.0.0.1:80",    "listening on 127.0.0.1:0",
                                               "listening on 127.0.0.1:80 now"};
  for (const std::string& wrong : announcements) {
    CAPTURE(wrong);
    CHECK(complaint_about({.words = {"sh", "-c", "echo '" + wrong + "'; exec sleep 60"}})
              .ends_with("announced '" + wrong + "' instead of 'listening on HOST:PORT'"));
  }
  const std::string nowhere(64, 'x');  // no host's name: a label has at most 63 characters
  CHECK(complaint_about({.words = {"sh", "-c", "echo listening on " + nowhere + ":80; exec sleep 60"}})
            .find("host '" + nowhere + "' does not resolve") != std::string::npos);
  const std::string binary =
      complaint_about({.words = {"sh", "-c", "head -c 100000 /dev/urandom; echo; exec sleep 60"}});
  CHECK(binary.find(" announced '") != std::string::npos);
}

TEST_CASE("a program that can't be executed is an error with the reason") {
  CHECK(complaint_about({.words = {"/there/is/no/such/server"}}) ==
        "server '/there/is/no/such/server' does not start: No such file or directory");
  CHECK(complaint_about({.words = {"/dev/null"}}) == "server '/dev/null' does not start: Permission denied");
}

TEST_CASE("a port is put in the place of {port}, and the server is ready when it accepts there") {
  ServerProcess server({.words = {epoll_server(), "--port={port}"}});
  CHECK(server.address().port() != 0);
  CHECK(echoes(server.address()));
  CHECK(complaint_about({.words = {"sh", "-c", "exec sleep 60", "{port}"}, .start_timeout = 100ms})
            .find("did not listen on port ") != std::string::npos);
}

TEST_CASE("each {port} of a word is replaced") {
  const ServerProcess server(
      {.words = {"sh", "-c", "PORT={port} exec " + epoll_server() + " --port {port}"}});
  std::ifstream environment("/proc/" + std::to_string(server.pid()) + "/environ");
  const std::string all{std::istreambuf_iterator<char>(environment), {}};
  CHECK(all.find("PORT=" + std::to_string(server.address().port())) != std::string::npos);
}

TEST_CASE("a server that is told its port is found ready without being connected to") {
  // Says when it has had a client.
  const ServerProcess server({.words = python(R"(
s = socket.socket(socket.AF_INET)
s.bind(('127.0.0.1', int(sys.argv[1])))
s.listen(5)
while True:
    s.accept()
    print('a client', file=sys.stderr, flush=True)
)",
                                              "{port}")});
  CHECK(server.last_words().empty());
  const Connection client(server.address());
  CHECK(waits_for([&] { return server.last_words() == "a client"; }));
}

TEST_CASE("a server is connected to where it listens, and tells where that is") {
  const auto listener = [](const std::string& family, const std::string& host) {
    return python("s = socket.socket(socket." + family + ")\ns.bind(('" + host +
                      "', int(sys.argv[1])))\ns.listen(5)\ntime.sleep(60)",
                  "{port}");
  };
  const ServerProcess everywhere({.words = listener("AF_INET", "0.0.0.0")});
  CHECK(everywhere.address().to_string().starts_with("127.0.0.1:"));
  REQUIRE(everywhere.listens_on().size() == 1);
  CHECK(everywhere.listens_on().front().to_string().starts_with("0.0.0.0:"));
  const ServerProcess loopback({.words = listener("AF_INET6", "::1")});
  CHECK(loopback.address().to_string().starts_with("[::1]:"));
  REQUIRE(loopback.listens_on().size() == 1);
  CHECK(loopback.listens_on().front().is_loopback());
}

TEST_CASE("a server that keeps its announcement for itself is told of with what is known") {
  const std::string complaint = complaint_about(
      {.words = python("s = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.listen(5)\n"
                       "print('listening on', s.getsockname()[1], end='')\nprint('ready', file=sys.stderr)\n"
                       "time.sleep(60)"),
       .start_timeout = 2s});
  CAPTURE(complaint);
  CHECK(complaint.find("; it listens on 127.0.0.1:") != std::string::npos);
  CHECK(complaint.find(" but printed no line 'listening on HOST:PORT' (stdout not flushed?)") !=
        std::string::npos);
  CHECK(complaint.ends_with("; its last words: ready"));
}

TEST_CASE("a server that goes into the background is told of, and what it left is ended") {
  // As daemon(7) has it: a session of its own, then a second fork.
  const std::string script =
      "if os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n"
      "    print(os.getpid(), file=sys.stderr, flush=True)\n    time.sleep(60)\n  os._exit(0)\n"
      "os.wait()\n";
  const auto children = harness::process_tree(getpid());
  const std::string complaint = complaint_about({.words = python(script)});
  CAPTURE(complaint);
  const auto at = complaint.find("it left process ");
  REQUIRE(at != std::string::npos);
  CHECK_FALSE(runs(std::stoi(complaint.substr(at + 16))));
  CHECK(harness::process_tree(getpid()) == children);  // nor is a zombie of it left

  pid_t daemon = 0;
  {
    const ServerProcess server({.words = python(script + "print('listening on 127.0.0.1:9', flush=True)\n"
                                                         "time.sleep(60)\n")});
    REQUIRE(waits_for([&] { return !server.last_words().empty(); }));
    daemon = std::stoi(server.last_words());
    CHECK(runs(daemon));
    const auto living = server.living_processes();
    CHECK(std::set<pid_t>(living.begin(), living.end()) == std::set<pid_t>{server.pid(), daemon});
  }
  CHECK_FALSE(runs(daemon));
}

TEST_CASE("how a server fares") {
  ServerProcess server({.words = script(":", "exec sleep 60")});
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
      {.words = script("echo $(ulimit -S -n) $(ulimit -H -n) >&2"), .descriptor_limit = 77});
  CHECK(server.last_words() == "77 77");
  rlimit own{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &own) == 0);
  CHECK(own.rlim_cur != 77);
}

TEST_CASE("a server runs on the core that it is given") {
  const int core = sched_getcpu();  // where this runs, the server may run too
  const ServerProcess server(
      {.words = script("grep -o 'Cpus_allowed_list:.*' /proc/self/status | tr -d '\\t' >&2"), .core = core});
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
  ServerProcess server({.words = script("bytes=$(wc -c); set -- /proc/$$/fd/*; echo $bytes $# >&2")});
  REQUIRE(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  CHECK(server.last_words().starts_with("0 "));
  CHECK(std::stoi(server.last_words().substr(2)) <=
        inheritable + 1);  // the shell itself looks into that folder
  server.send_signal(SIGTERM);
  CHECK(server.wait_for_end(10s) == "killed by signal 15 (SIGTERM)");
}

TEST_CASE("the last words are the last line, however much was said before") {
  const ServerProcess server(
      {.words = script("yes a line like many others | head -n 20000 >&2; echo the end >&2")});
  CHECK(server.last_words() == "the end");
}

TEST_CASE("a server that talks without end on stdout is not held up") {
  const ServerProcess server(
      {.words = script(":", "head -c 1000000 /dev/zero; echo done >&2; exec sleep 60")});
  CHECK(waits_for([&] { return server.last_words() == "done"; }));
}

TEST_CASE("nothing that the server has started outlives it") {
  std::vector<pid_t> processes;
  {
    // A child and a grandchild that ignore the polite signals.
    const ServerProcess server(
        {.words = script("sh -c 'trap \"\" TERM INT HUP; sleep 60 & echo $$ $! >&2; wait' & "
                         "while [ ! -s /proc/$$/fd/2 ]; do sleep 0.01; done",
                         "wait")});
    REQUIRE(waits_for([&] { return server.last_words().find(' ') != std::string::npos; }));
    const std::string words = server.last_words();
    processes = {server.pid(), std::stoi(words), std::stoi(words.substr(words.find(' ')))};
    for (const pid_t pid : processes) CHECK(runs(pid));
  }
  for (const pid_t pid : processes) CHECK(waits_for([&] { return !runs(pid); }));
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
      const ServerProcess server({.words = script(":")});
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
  CHECK(waits_for([&] { return !runs(server); }));
}

TEST_CASE("free ports can be listened on") {
  const std::uint16_t port = harness::find_free_port();
  CHECK(port != 0);
}
