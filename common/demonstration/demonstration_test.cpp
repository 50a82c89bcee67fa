#include "common/demonstration/demonstration.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "common/net/system_error.h"

using demonstration::Answer;
using demonstration::Demonstration;

namespace {

Answer failed(int error_number) {
  errno = error_number;
  return -1;
}

struct Shown {
  std::string text;
  int exit_code = 0;
};

Shown show(const std::function<void(Demonstration&)>& what) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  Demonstration demo(file.get());
  what(demo);
  std::string text(static_cast<std::size_t>(std::ftell(file.get())), '\0');
  std::rewind(file.get());
  REQUIRE(std::fread(text.data(), 1, text.size(), file.get()) == text.size());
  return {.text = text, .exit_code = demo.exit_code()};
}

}  // namespace

TEST_CASE("an answer is a number, or an error by its name and its meaning") {
  CHECK(to_string(Answer(5)) == "5");
  CHECK(to_string(Answer(0)) == "0");
  CHECK(to_string(failed(ECONNRESET)) == "ECONNRESET (Connection reset by peer)");
  CHECK(to_string(failed(EAGAIN)) == "EAGAIN (Resource temporarily unavailable)");
  CHECK(to_string(failed(12345)) == "errno 12345");
  CHECK(failed(EPIPE).failed_with(EPIPE));
  CHECK_FALSE(failed(EPIPE).failed_with(ECONNRESET));
  errno = EPIPE;
  CHECK_FALSE(Answer(5).failed_with(EPIPE));
}

TEST_CASE("poll's events have names") {
  CHECK(demonstration::poll_events(0) == "-");
  CHECK(demonstration::poll_events(POLLIN) == "IN");
  CHECK(demonstration::poll_events(POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP | POLLNVAL | POLLRDHUP) ==
        "IN|PRI|OUT|ERR|HUP|NVAL|RDHUP");
}

TEST_CASE("what a demonstration shows") {
  const Shown shown = show([](Demonstration& demo) {
    demo.situation("The peer has gone.");
    CHECK(demo.call("send 5 bytes", 5).result == 5);
    CHECK(demo.call("send 5 bytes", failed(EPIPE)).failed_with(EPIPE));
    demo.shows("bytes", "many");
    demo.states("It has gone.", true);
    demo.situation("Another.");
    demo.row("one", "1", "1");
  });
  CHECK(shown.text ==
        "The peer has gone.\n"
        "  send 5 bytes → 5\n"
        "  send 5 bytes → EPIPE (Broken pipe)\n"
        "  bytes → many\n"
        "as described: It has gone.\n"
        "\n"
        "Another.\n"
        "one                                    1                    as described\n");
  CHECK(shown.exit_code == 0);
}

TEST_CASE("one statement that doesn't hold, wherever it stands, is exit code 1") {
  const Shown statement = show([](Demonstration& demo) {
    demo.states("first", true);
    demo.states("second", false);
    demo.states("third", true);
  });
  CHECK(statement.text == "as described: first\nNOT as described: second\nas described: third\n");
  CHECK(statement.exit_code == 1);
  const Shown row = show([](Demonstration& demo) {
    demo.row("one", "1", "2");
    demo.row("two", "2", "2");
  });
  CHECK(row.text.starts_with(
      "one                                    1                    NOT as described: 2\n"));
  CHECK(row.exit_code == 1);
}

TEST_CASE("a demonstration without statements has shown nothing") {
  CHECK(show([](Demonstration& demo) { demo.situation("Nothing."); }).exit_code == 1);
}

TEST_CASE("a line that can't be written is an error") {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> full(std::fopen("/dev/full", "w"), std::fclose);
  Demonstration demo(full.get());
  CHECK_THROWS_WITH_AS(demo.situation("Too much."), "write to stdout: No space left on device",
                       net::SystemError);
}
