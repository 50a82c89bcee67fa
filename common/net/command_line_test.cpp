#include "common/net/command_line.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "common/net/file_descriptor.h"

namespace {

struct Outcome {
  int exit_code = -1;
  std::string out;
  std::string err;
};

std::string read_all(const net::FileDescriptor& pipe) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = read(pipe.fd(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

// Runs `program` in a child process, since bad use ends the process. What it says must fit into a pipe.
Outcome outcome_of(void (*program)(int, const char* const*), const std::vector<std::string>& words) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  REQUIRE(pipe2(out.data(), O_CLOEXEC) == 0);
  REQUIRE(pipe2(err.data(), O_CLOEXEC) == 0);
  const net::FileDescriptor out_end{out[0]};
  const net::FileDescriptor err_end{err[0]};
  net::FileDescriptor out_child{out[1]};
  net::FileDescriptor err_child{err[1]};
  std::cout.flush();  // or the child would write what waits in the buffers once more
  std::fflush(stdout);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(out_child.fd(), STDOUT_FILENO);
    dup2(err_child.fd(), STDERR_FILENO);
    std::vector<const char*> arguments{"/some/where/program"};
    for (const std::string& word : words) arguments.push_back(word.c_str());
    program(static_cast<int>(arguments.size()), arguments.data());
    std::fflush(stdout);
    _exit(0);
  }
  out_child.close();
  err_child.close();
  Outcome outcome{.exit_code = -1, .out = read_all(out_end), .err = read_all(err_end)};
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  return outcome;
}

void server_like(int argc, const char* const* argv) {
  std::int64_t port = 9000;
  double rate = 1.5;
  std::string mode = "quick";
  std::string host = "127.0.0.1";
  bool json = false;
  std::vector<std::string> words;
  net::CommandLine options("server-like", "Shows nothing at all.");
  options.number("--port", port, 0, 65535, "TCP port");
  options.decimal("--rate", rate, 0.5, 100, "requests a second");
  options.text("--mode", mode, "how long", {"quick", "full"});
  options.text("--host", host, "where");
  options.flag("--json", json, "for machines");
  options.words("server", words, "which servers");
  options.parse(argc, argv);
  fmt::print("{} {} {} {} {} {}\n", port, rate, mode, host, json, fmt::join(words, "+"));
}

void with_commands(int argc, const char* const* argv) {
  net::CommandLine options("with-commands", "Has two commands.");
  std::int64_t count = 1;
  net::CommandLine check = options.command("check", "checks");
  check.number("--count", count, 1, 9, "how often");
  const net::CommandLine load = options.command("load", "loads");
  options.parse(argc, argv);
  fmt::print("check {} load {} count {}\n", check.given(), load.given(), count);
}

void failing(int /*argc*/, const char* const* /*argv*/) {
  net::CommandLine::fail("failing", "the moon is full");
}

// Bad use: exit code 2, nothing on stdout, one line on stderr that begins with the program's name.
void check_refused(const Outcome& outcome, const std::string& program,
                   const std::vector<std::string>& named) {
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.starts_with(program + ": "));
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  CHECK(outcome.err.ends_with('\n'));
  for (const std::string& part : named) {
    CAPTURE(part);
    CHECK(outcome.err.find(part) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("options that are not given keep their defaults") {
  const Outcome outcome = outcome_of(server_like, {});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out == "9000 1.5 quick 127.0.0.1 false \n");
  CHECK(outcome.err.empty());
}

TEST_CASE("options that are given arrive, the ends of a range included") {
  CHECK(outcome_of(server_like, {"--port", "0", "--rate", "100", "--mode", "full", "--json"}).out ==
        "0 100 full 127.0.0.1 true \n");
  CHECK(outcome_of(server_like, {"--port=65535", "--rate=0.5", "--host", "a b", "epoll", "poll"}).out ==
        "65535 0.5 quick a b false epoll+poll\n");
}

TEST_CASE("a wrong whole number is refused with the option, the value and the range") {
  for (const std::string wrong : {"65536", "-1", "12x", "x", " 12", "12 ", "+5", "1.5", "0x10", "1e3",
                                  "99999999999999999999", "-99999999999999999999"}) {
    CAPTURE(wrong);
    check_refused(outcome_of(server_like, {"--port", wrong}), "server-like",
                  {"--port", "'" + wrong + "'", "from 0 to 65535"});
    check_refused(outcome_of(server_like, {"--port=" + wrong}), "server-like",
                  {"--port", "'" + wrong + "'", "from 0 to 65535"});
  }
}

TEST_CASE("an empty value is refused and the option named") {
  check_refused(outcome_of(server_like, {"--port", ""}), "server-like", {"--port"});
  check_refused(outcome_of(server_like, {"--port="}), "server-like", {"--port"});
  check_refused(outcome_of(server_like, {"--port"}), "server-like", {"--port"});
}

TEST_CASE("a wrong decimal number is refused with the option, the value and the range") {
  for (const std::string wrong : {"0.4", "100.1", "nan", "inf", "-inf", "1,5", "1e999", "fast"}) {
    CAPTURE(wrong);
    check_refused(outcome_of(server_like, {"--rate", wrong}), "server-like",
                  {"--rate", "'" + wrong + "'", "from 0.5 to 100"});
  }
}

TEST_CASE("a word that is not allowed is refused with those that are") {
  check_refused(outcome_of(server_like, {"--mode", "slow"}), "server-like",
                {"--mode", "'slow'", "quick, full"});
  check_refused(outcome_of(server_like, {"--mode", "quic"}), "server-like", {"'quic'"});
}

TEST_CASE("an unknown option is refused by its name") {
  check_refused(outcome_of(server_like, {"--prot", "9000"}), "server-like", {"--prot"});
  check_refused(outcome_of(with_commands, {"check", "--port", "1"}), "with-commands", {"--port"});
}

TEST_CASE("a value with a line break still makes one line of error") {
  check_refused(outcome_of(server_like, {"--port", "1\n2"}), "server-like", {"--port", "'1 2'"});
}

TEST_CASE("the same option twice is not silently one of them") {
  check_refused(outcome_of(server_like, {"--port", "1", "--port", "2"}), "server-like", {"--port"});
}

TEST_CASE("help is not an error: exit code 0, and options and defaults on stdout") {
  const Outcome outcome = outcome_of(server_like, {"--help"});
  CAPTURE(outcome.out);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  for (const std::string part : {"Shows nothing at all.", "--port", "9000", "TCP port", "--rate", "1.5",
                                 "--mode", "quick", "--json"}) {
    CAPTURE(part);
    CHECK(outcome.out.find(part) != std::string::npos);
  }
  CHECK(outcome_of(with_commands, {"check", "--help"}).exit_code == 0);
  CHECK(outcome_of(with_commands, {"check", "--help"}).out.find("--count") != std::string::npos);
}

TEST_CASE("the command that was given is known, with its own options") {
  CHECK(outcome_of(with_commands, {"check", "--count", "7"}).out == "check true load false count 7\n");
  CHECK(outcome_of(with_commands, {"load"}).out == "check false load true count 1\n");
}

TEST_CASE("a missing command, an unknown one and two of them are bad use") {
  check_refused(outcome_of(with_commands, {}), "with-commands", {});
  check_refused(outcome_of(with_commands, {"chekc"}), "with-commands", {});
  check_refused(outcome_of(with_commands, {"check", "load"}), "with-commands", {});
  check_refused(outcome_of(with_commands, {"check", "--count", "10"}), "with-commands",
                {"--count", "'10'", "from 1 to 9"});
}

TEST_CASE("what can be judged only after parsing ends the program in the same way") {
  const Outcome outcome = outcome_of(failing, {});
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.err == "failing: the moon is full\n");
}
