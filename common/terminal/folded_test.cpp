#include "common/terminal/folded.h"

#include <doctest/doctest.h>

#include <string>

TEST_CASE("a text is folded at blanks, and no line takes more than 78 columns") {
  const std::string word(19, 'x');
  const std::string four = word + " " + word + " " + word + " " + word.substr(2);  // 77 columns
  CHECK(terminal::folded(four, 0, "  ") == four);
  CHECK(terminal::folded(four, 1, "  ") == four);
  CHECK(terminal::folded(four, 2, "    ") == word + " " + word + " " + word + "\n    " + word.substr(2));
  CHECK(terminal::folded(four + " y z", 0, "  ") == four + "\n  y z");
}

TEST_CASE("what can't be folded stays whole") {
  const std::string word(100, 'x');
  CHECK(terminal::folded(word, 0, "") == word);
  CHECK(terminal::folded("a " + word + " b", 0, " ") == "a\n " + word + "\n b");
  CHECK(terminal::folded("", 10, "  ").empty());
}

TEST_CASE("a character of several bytes is one column") {
  std::string micro;
  for (int i = 0; i < 40; ++i) micro += "µ";
  CHECK(terminal::folded(micro + " " + micro.substr(0, 74), 0, "") == micro + " " + micro.substr(0, 74));
}
