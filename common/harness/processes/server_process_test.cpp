#include "common/harness/processes/server_process.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/harness/processes/known_servers.h"
#include "common/harness/processes/process_usage.h"
#include "common/testing/connection.h"
#include "common/testing/made_up_servers.h"
#include "common/testing/processes.h"
#include "common/testing/waiting.h"

using namespace std::chrono_literals;
using testing::announcer;
using testing::becomes_true;
using testing::complaint_about;
using testing::Connection;
using testing::python_server;
using testing::ServerProcess;
using Clock = std::chrono::steady_clock;

namespace {

std::string epoll_server() { return harness::program_folder() + "/../bin/epoll"; }

bool echoes(const net::Address& server) {
  Connection client(server);
  client.send("hello");
  return client.receive(5) == "hello";
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
  ServerProcess server({.words = announcer(":")});
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
  const ServerProcess server({.words = python_server(R"(
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
  CHECK(becomes_true([&] { return server.last_words() == "a client"; }));
}

TEST_CASE("a server is connected to where it listens, and tells where that is") {
  const auto listener = [](const std::string& family, const std::string& host) {
    return python_server("s = socket.socket(socket." + family + ")\ns.bind(('" + host +
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
      {.words = python_server(
           "s = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.listen(5)\n"
           "print('listening on', s.getsockname()[1], end='')\nprint('ready', file=sys.stderr)\n"
           "time.sleep(60)"),
       .start_timeout = 2s});
  CAPTURE(complaint);
  CHECK(complaint.find("; it listens on 127.0.0.1:") != std::string::npos);
  CHECK(complaint.find(" but printed no line 'listening on HOST:PORT' (stdout not flushed?)") !=
        std::string::npos);
  CHECK(complaint.ends_with("; its last words: ready"));
}
