#include "labs/16-one-to-many/room.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace {

// ">" to the speaker, "<" to the others.
std::string told(const std::vector<Words>& all) {
  std::string text;
  for (const Words& words : all) text += (words.whom == Words::For::speaker ? "> " : "< ") + words.line;
  return text;
}

}  // namespace

TEST_CASE("a newcomer is greeted, the others are told, and no number is used twice") {
  Room room;
  CHECK(told(room.enter(7)) == "> * you are guest1\n< * guest1 has joined\n");
  CHECK(told(room.leave(7)) == "< * guest1 has left\n");
  CHECK_FALSE(room.has(7));
  CHECK(told(room.leave(7)).empty());
  CHECK(told(room.enter(7)) == "> * you are guest2\n< * guest2 has joined\n");
  CHECK(room.guests() == std::set{7});
}

TEST_CASE("a number whose name somebody has taken is passed over") {
  Room room;
  room.enter(4);
  room.hear(4, std::string_view("/nick guest2\n"));
  CHECK(told(room.enter(5)) == "> * you are guest3\n< * guest3 has joined\n");
}

TEST_CASE("lines go to the others under the speaker's name") {
  Room room;
  room.enter(4);
  CHECK(told(room.hear(4, std::string_view("hel"))).empty());
  CHECK(told(room.hear(4, std::string_view("lo\r\n\nagain\nrest"))) ==
        "< guest1: hello\n< guest1: \n< guest1: again\n");
}

TEST_CASE("a name is changed if it can be one and is free") {
  Room room;
  room.enter(4);
  room.enter(5);
  CHECK(told(room.hear(4, std::string_view("/nick A-z_09\nhello\n"))) ==
        "> * you are A-z_09\n< * guest1 is now A-z_09\n< A-z_09: hello\n");
  CHECK(told(room.hear(5, std::string_view("/nick A-z_09\n"))) == "> * refused: A-z_09 is taken\n");
  CHECK(told(room.hear(5, std::string_view("/nick guest1\n"))) ==
        "> * you are guest1\n< * guest2 is now guest1\n");
  for (const std::string name : {"", " x", "a b", "012345678901234567890", "n\xc3\xa4me", "x "}) {
    CHECK(told(room.hear(5, "/nick " + name + "\n")) ==
          "> * refused: a name has 1 to 20 letters, digits, _ or -\n");
  }
  CHECK(told(room.hear(5, std::string_view("/nick 01234567890123456789\n"))) ==
        "> * you are 01234567890123456789\n< * guest1 is now 01234567890123456789\n");
}

TEST_CASE("what is no command, and no line that may be heard, is refused") {
  Room room;
  room.enter(4);
  for (const std::string line : {"/", "/nick", "/quit ", "/Quit", "/nickname", "//"}) {
    CHECK(told(room.hear(4, line + "\n")) == "> * refused: the commands are /nick NAME and /quit\n");
  }
  CHECK(told(room.hear(4, std::string_view("a\tb\n"))) == "> * refused: control characters\n");
  CHECK(told(room.hear(4, std::string(1001, '/') + "\n")) == "> * refused: a line has at most 1000 bytes\n");
  CHECK(room.has(4));
}

TEST_CASE("who says /quit has left, and what he says behind it counts for nothing") {
  Room room;
  room.enter(4);
  CHECK(told(room.hear(4, std::string_view("bye\n/quit\nmore\n"))) == "< guest1: bye\n< * guest1 has left\n");
  CHECK_FALSE(room.has(4));
  CHECK(told(room.hear(4, std::string_view("still there\n"))).empty());
}
