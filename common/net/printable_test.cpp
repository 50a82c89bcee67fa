#include "common/net/printable.h"

#include <doctest/doctest.h>

#include <string>

using net::printable;

TEST_CASE("plain text and whole characters of UTF-8 stand as they are") {
  CHECK(printable(std::string("Hello, server!")) == "Hello, server!");
  CHECK(printable(std::string("粘包, é, 🙂")) == "粘包, é, 🙂");
  CHECK(printable(std::string()).empty());
}

TEST_CASE("control characters are escaped: nothing a peer sends can steer a terminal") {
  CHECK(printable(std::string("a\nb\tc\rd\\e")) == "a\\nb\\tc\\rd\\\\e");
  CHECK(printable(std::string("\x1b[31m\x7f")) == "\\x1b[31m\\x7f");
  CHECK(printable(std::string("\0", 1)) == "\\x00");
  CHECK(printable(std::string("\xc2\x9b")) == "\\xc2\\x9b");  // U+009B: CSI, as good as ESC [
}

TEST_CASE("a character that was cut in two shows as bytes") {
  const std::string whole = "包";
  CHECK(printable(whole.substr(0, 2)) == "\\xe5\\x8c");
  CHECK(printable(whole.substr(2)) == "\\x85");
}

TEST_CASE("what is no UTF-8 is escaped: overlong forms, surrogates, beyond the last code point") {
  CHECK(printable(std::string("\xc0\xaf")) == "\\xc0\\xaf");
  CHECK(printable(std::string("\xe0\x80\xaf")) == "\\xe0\\x80\\xaf");
  CHECK(printable(std::string("\xed\xa0\x80")) == "\\xed\\xa0\\x80");
  CHECK(printable(std::string("\xf4\x90\x80\x80")) == "\\xf4\\x90\\x80\\x80");
  CHECK(printable(std::string("\xff")) == "\\xff");
}

TEST_CASE("long text is abridged, and says by how much") {
  CHECK(printable(std::string(30, 'a'), 10) == "aaaaaaaaaa… (20 bytes more)");
  CHECK(printable(std::string(10, 'a'), 10) == "aaaaaaaaaa");
  CHECK(printable(std::string(10, '\0'), 10) == "\\x00\\x00… (8 bytes more)");
}
