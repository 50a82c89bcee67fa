#include "common/harness/judging/chat_format.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "common/harness/judging/guest.h"

using harness::ChatFormat;
using harness::Pattern;
using harness::Places;

namespace {

std::string refusal_of(const std::string& description) {
  try {
    ChatFormat::parse(description);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("pattern: what stands at its places, and nothing else") {
  const Pattern pattern("<{name}> {line}!", {"name", "line"});
  CHECK(pattern.match("<ada> x> y!") == Places{{"name", "ada"}, {"line", "x> y"}});
  CHECK(pattern.match("<> !") == Places{{"name", ""}, {"line", ""}});
  for (const char* other : {"", "<ada> x", "ada> x!", "<ada>x!", "<!"}) CHECK_FALSE(pattern.match(other));
  CHECK(pattern.filled_in({{"name", "bob"}, {"line", "hi"}}) == "<bob> hi!");
  const Pattern text("bye", {});
  CHECK(text.match("bye") == Places{});
  CHECK_FALSE(text.match("bye!"));
}

TEST_CASE("chat format: the words of a foreign room become those of the lab's") {
  const ChatFormat format = ChatFormat::parse(
      "greeting=Welcome, {name}!;message=<{name}> {line};joined=+{name};left=-{name};"
      " dropped = {count} missed ;cut-off=bye:;refused=error:;quit=/bye;");
  const auto said = [&format](const char* line) { return format.translated(line); };
  CHECK(said("Welcome, ada!\r") == "* you are ada");
  CHECK(said("<ada> hello") == "ada: hello");
  CHECK(said("+ada") == "* ada has joined");
  CHECK(said("-ada") == "* ada has left");
  CHECK(said("7 missed") == "* 7 lines were dropped: you read too slowly");
  CHECK(said("bye: too slow") == "* cut off  too slow");
  CHECK(said("error: too long") == "* refused:  too long");
  CHECK(said("something else") == "something else");
  CHECK(format.text("quit") == "/bye");
  CHECK_FALSE(format.is_the_labs_own());
  CHECK(format.tells_who("left"));
}

TEST_CASE("chat format: what it has no word for the room doesn't do") {
  const ChatFormat format = ChatFormat::parse("message={line}; left=somebody left");
  for (const char* word : {"greeting", "joined", "dropped", "cut-off", "refused", "quit", "enter"})
    CHECK_FALSE(format.has(word));
  CHECK_FALSE(format.tells_who("left"));
  CHECK(harness::is_news(format.translated("somebody left")));
  CHECK(format.translated("* ada has joined") == "* ada has joined");
}

TEST_CASE("chat format: who isn't named by the room names himself, and that is a part of his line") {
  const ChatFormat names = ChatFormat::parse("message=[{name}] {line}; enter=I am {name}");
  const ChatFormat none = ChatFormat::parse("message={line}; longest=200");
  CHECK(names.before_line("ada", 5).empty());
  CHECK(names.entering("ada") == "I am ada");
  CHECK(names.longest_line("ada") == 1000);
  CHECK(none.before_line("ada", 5) == "ada: ");
  CHECK(none.longest_line("ada") == 195);
}

TEST_CASE("chat format: lines end with LF, or their lengths stand before them") {
  std::string_view bytes = "one\n\ntw";
  const ChatFormat lines = ChatFormat::parse("message={name}: {line}; frame=lines");
  CHECK(lines.take_line(bytes) == "one");
  CHECK(lines.take_line(bytes) == "");
  CHECK_FALSE(lines.take_line(bytes));
  CHECK(bytes == "tw");
  CHECK(lines.framed("x") == "x\n");

  const ChatFormat counted = ChatFormat::parse("message={line}; frame=4-digits");
  CHECK(counted.framed("hello") == "   5hello");
  CHECK(counted.before_line("ada", 5) + "hello" == "  10ada: hello");
  bytes = "   3one   00003two  1";
  CHECK(counted.take_line(bytes) == "one");
  CHECK(counted.take_line(bytes) == "");
  CHECK(counted.take_line(bytes) == "two");
  CHECK_FALSE(counted.take_line(bytes));
  bytes = "  10short";
  CHECK_FALSE(counted.take_line(bytes));
  bytes = "torn   3one";
  CHECK(counted.take_line(bytes) == "torn   3one");
  CHECK(bytes.empty());
}

TEST_CASE("chat format: bad ones are told from each other") {
  CHECK(refusal_of("message={name}: {line}").empty());
  CHECK(refusal_of("message={line}; enter={name}; joined={name} joined").empty());
  CHECK(refusal_of("message").find("no WORD=TEXT") != std::string::npos);
  CHECK(refusal_of("colour=red").find("there are frame, longest, message") != std::string::npos);
  CHECK(refusal_of("quit=/bye").find("lacks message=") != std::string::npos);
  CHECK(refusal_of("message={name}").find("'message={name}' lacks {line}") != std::string::npos);
  CHECK(refusal_of("message={nam}{line}").find("has '{nam}', and may have {name} and {line}") !=
        std::string::npos);
  CHECK(refusal_of("message={line").find("has '{line'") != std::string::npos);
  CHECK(refusal_of("message={name}{line}").find("nothing between") != std::string::npos);
  CHECK(refusal_of("message={line}; quit={name}").find("no braces") != std::string::npos);
  CHECK(refusal_of("message={line}; quit=").find("leave it out") != std::string::npos);
  CHECK(refusal_of("message={line}; message={line}").find("given twice") != std::string::npos);
  CHECK(refusal_of("message={line}; frame=5").find("lines and 4-digits") != std::string::npos);
  for (const char* wrong : {"99", "9001", "many", "500x", ""})
    CHECK(refusal_of(std::string("message={line}; longest=") + wrong).find("from 100 to 9000") !=
          std::string::npos);
  CHECK(refusal_of("message={line}; greeting=hi {name}").find("'message=' lacks {name}") !=
        std::string::npos);
  CHECK(refusal_of("message={line}; joined={name} came").find("lacks enter=") != std::string::npos);
}
