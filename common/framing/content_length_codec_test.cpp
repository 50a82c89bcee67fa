#include "common/framing/content_length_codec.h"

#include <doctest/doctest.h>

#include <string>

#include "common/framing/fuzz/decoder_check.h"

using framing::ContentLengthCodec;
using framing::decode;
using framing::Decoded;
using framing::FramingError;
using framing::pieces_of;

namespace {

Decoded decoded(std::string_view stream, std::size_t piece = 100'000) {
  ContentLengthCodec codec(100);
  return decode(codec, stream, pieces_of(piece));
}

// The error of a stream; the same for the whole and for single bytes.
std::string error_of(std::string_view stream) {
  const Decoded whole = decoded(stream);
  CHECK(decoded(stream, 1) == whole);
  CHECK(whole.messages.empty());
  return whole.error;
}

// One whole header with this value, and a message of five bytes.
std::string with_length(const std::string& value) { return "Content-Length:" + value + "\r\n\r\nHello"; }

// A header of exactly that many bytes for a message of five.
std::string header_of(std::size_t size) {
  const std::string end = "\r\nContent-Length: 5\r\n\r\n", begin = "X: ";
  return begin + std::string(size - begin.size() - end.size(), 'x') + end;
}

class Opened : public ContentLengthCodec {
 public:
  using ContentLengthCodec::ContentLengthCodec;
  using ContentLengthCodec::locate;
};

}  // namespace

TEST_CASE("content-length: one header line, an empty line, the message") {
  const ContentLengthCodec codec(100);
  std::string stream;
  codec.encode(std::string_view("Hello, server!"), stream);
  CHECK(stream == "Content-Length: 14\r\n\r\nHello, server!");
  codec.encode({}, stream);
  CHECK(stream == "Content-Length: 14\r\n\r\nHello, server!Content-Length: 0\r\n\r\n");
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    CAPTURE(piece);
    CHECK(decoded(stream, piece) == Decoded{{"Hello, server!", ""}, ""});
  }
}

TEST_CASE("content-length: the name in any case, with a space before the value or without") {
  for (const char* line :
       {"Content-Length: 5", "content-length: 5", "CONTENT-LENGTH: 5", "cOnTeNt-LeNgTh:5"}) {
    CAPTURE(line);
    CHECK(decoded(std::string(line) + "\r\n\r\nHello") == Decoded{{"Hello"}, ""});
  }
}

TEST_CASE("content-length: other headers are ignored, before and behind it") {
  CHECK(decoded("Host: example\r\nX-Empty:\r\nX-Tab:\ta\tb \r\nX-Text: \xe7\xb2\x98: \xff\r\n"
                "Content-Length: 5\r\nContent-Length-Not: 7\r\nx!#$%&'*+-.^_`|~9: token\r\n\r\nHello") ==
        Decoded{{"Hello"}, ""});
}

TEST_CASE("content-length: what looks like a header inside a message is just bytes of it") {
  CHECK(decoded("Content-Length: 21\r\n\r\nContent-Length: 0\r\n\r\n") ==
        Decoded{{"Content-Length: 0\r\n\r\n"}, ""});
  CHECK(decoded("Content-Length: 5\r\n\r\n\r\n\r\n\n") == Decoded{{"\r\n\r\n\n"}, ""});
}

TEST_CASE("content-length: each message has a header of its own, nothing is remembered of the one before") {
  CHECK(decoded("A: b\r\nContent-Length: 1\r\n\r\naContent-Length: 2\r\n\r\nbc") == Decoded{{"a", "bc"}, ""});
  CHECK(decoded("Content-Length: 1\r\n\r\na\r\n") ==
        Decoded{{"a"}, "the header has no Content-Length; exactly one is needed"});
}

TEST_CASE("content-length: the maximum is allowed, one more is not, nor what no number can hold") {
  CHECK(decoded("Content-Length: 100\r\n\r\n" + std::string(100, 'm')).messages.size() == 1);
  const std::string above = "Content-Length is above the maximum, 100 bytes: ";
  CHECK(error_of(with_length(" 101")) == above + "'101'");
  CHECK(error_of(with_length(" 2147483648")) == above + "'2147483648'");
  CHECK(error_of(with_length(" 4294967295")) == above + "'4294967295'");
  CHECK(error_of(with_length(" 4294967301")) == above + "'4294967301'");  // 5 in 32 bits
  CHECK(error_of(with_length(" 18446744073709551615")) == above + "'18446744073709551615'");
  CHECK(error_of(with_length(" 18446744073709551621")) == above + "'18446744073709551621'");  // 5 in 64 bits
  CHECK(error_of(with_length(" 1" + std::string(80, '0'))) ==
        above + "'1" + std::string(59, '0') + "… (21 bytes more)'");
}

TEST_CASE("content-length: leading zeros don't matter, however many") {
  CHECK(decoded(with_length(" 0005")) == Decoded{{"Hello"}, ""});
  CHECK(decoded(with_length(" " + std::string(100, '0') + "5")) == Decoded{{"Hello"}, ""});
}

TEST_CASE("content-length: a value of anything but digits is refused") {
  for (const char* value : {"", " ", " -5", " -1", " +5", "  5", " 5 ", " 5\t", "\t5", " 0x5", " 5.0", " 5e0",
                            " 5, 5", " 5 5", " 5;", " five", " \xef\xbc\x95"}) {
    CAPTURE(value);
    CHECK(error_of(with_length(value)).starts_with("a Content-Length has to be digits, nothing else: '"));
  }
  CHECK(error_of(with_length(" +5")) == "a Content-Length has to be digits, nothing else: '+5'");
}

TEST_CASE("content-length: two of them are refused, also equal ones; so is none") {
  const std::string second = "a second Content-Length; exactly one is allowed: ";
  CHECK(error_of("Content-Length: 5\r\nContent-Length: 6\r\n\r\nHello") == second + "'Content-Length: 6'");
  CHECK(error_of("Content-Length: 5\r\nX: y\r\ncontent-length: 5\r\n\r\nHello") ==
        second + "'content-length: 5'");
  CHECK(error_of("Content-Length: 0\r\nContent-Length: 0\r\n\r\n") == second + "'Content-Length: 0'");
  CHECK(error_of("Host: example\r\n\r\n") == "the header has no Content-Length; exactly one is needed");
  CHECK(error_of("\r\nContent-Length: 5\r\n\r\nHello") ==
        "the header has no Content-Length; exactly one is needed");
}

TEST_CASE("content-length: Transfer-Encoding would override the length, so it is refused") {
  for (const char* line :
       {"Transfer-Encoding: chunked", "transfer-encoding:identity", "Transfer-Encoding:"}) {
    CAPTURE(line);
    CHECK(error_of("Content-Length: 5\r\n" + std::string(line) + "\r\n\r\nHello") ==
          "Transfer-Encoding isn't understood; Content-Length is needed: '" + std::string(line) + "'");
  }
}

TEST_CASE("content-length: lines that don't end with CR LF are refused") {
  const std::string bare = "a header line has to end with CR LF; a bare LF after: ";
  CHECK(error_of("Content-Length: 5\n\nHello") == bare + "'Content-Length: 5'");
  CHECK(error_of("Content-Length: 5\r\n\nHello") == bare + "''");
  CHECK(error_of("\n") == bare + "''");
  CHECK(error_of("X: y\nContent-Length: 5\r\n\r\nHello") == bare + "'X: y'");
  CHECK(error_of("X: a\rContent-Length: 9\r\nContent-Length: 5\r\n\r\nHello") ==
        "a header line holds a control character: 'X: a\\rContent-Length: 9'");
  CHECK(error_of("Content-Length: 5\r\r\n\r\nHello").starts_with("a header line holds a control character"));
  CHECK(error_of(std::string("X: \0\r\n", 6)) == "a header line holds a control character: 'X: \\x00'");
  CHECK(error_of("X: \x7f\r\n") == "a header line holds a control character: 'X: \\x7f'");
}

TEST_CASE("content-length: lines that are no headers are refused") {
  CHECK(error_of("GET / HTTP/1.1\r\n") ==
        "a header line has to be 'Name: value'; no colon in: 'GET / HTTP/1.1'");
  CHECK(error_of(": 5\r\n") == "a header without a name: ': 5'");
  CHECK(error_of("Content-Length : 5\r\n") ==
        "a character that no header's name may hold: 'Content-Length '");
  CHECK(error_of("Content Length: 5\r\n") == "a character that no header's name may hold: 'Content Length'");
  CHECK(error_of("\xe7\xb2\x98: 5\r\n") == "a character that no header's name may hold: '粘'");
  const std::string folded = "a header line begins with white space (folding is obsolete): ";
  CHECK(error_of("X: one\r\n two\r\n") == folded + "' two'");
  CHECK(error_of("X: one\r\n\ttwo: 3\r\n") == folded + "'\\ttwo: 3'");
  CHECK(error_of(" Content-Length: 5\r\n") == folded + "' Content-Length: 5'");
}

TEST_CASE(
    "content-length: a complaint shows little of what was sent, and nothing that could steer a terminal") {
  const std::string error = error_of("\x1b[2J" + std::string(5000, 'x') + "\r\n");
  CHECK(error.starts_with("a header line holds a control character: '\\x1b[2Jxxx"));
  CHECK(error.find('\x1b') == std::string::npos);
  CHECK(error.size() < 150);
}

TEST_CASE(
    "content-length: a header may have 8192 bytes and not one more; one that never ends is refused there") {
  CHECK(decoded(header_of(8192) + "Hello") == Decoded{{"Hello"}, ""});
  CHECK(decoded(header_of(8192) + "Hello", 1) == Decoded{{"Hello"}, ""});
  const std::string endless = "the header doesn't end within 8192 bytes";
  CHECK(error_of(header_of(8193) + "Hello") == endless);
  CHECK(error_of(std::string(8192, 'x')) == endless);
  CHECK(error_of("X: " + std::string(50'000, 'x')) == endless);
  std::string many;
  while (many.size() < 9000) many += "X: y\r\n";
  CHECK(error_of(many) == endless);
  CHECK(error_of(std::string(8191, 'x')) ==
        "the stream ended inside a message: after 8191 bytes of its frame");
}

TEST_CASE("content-length: a wrong line is refused as soon as it is whole, not at the end of the header") {
  ContentLengthCodec codec(100);
  codec.feed(std::string_view("X: y\r\nContent-Length: -1\r"));
  CHECK_FALSE(codec.next());
  codec.feed(std::string_view("\n"));
  CHECK_THROWS_AS(codec.next(), FramingError);
}

TEST_CASE("content-length: good messages before a wrong header are handed out, those behind it are not") {
  const std::string stream =
      "Content-Length: 3\r\n\r\none" + with_length(" x") + "Content-Length: 3\r\n\r\ntwo";
  for (const std::size_t piece : {1UL, 7UL, 40UL, 1000UL}) {
    CAPTURE(piece);
    CHECK(decoded(stream, piece) == Decoded{{"one"}, "a Content-Length has to be digits, nothing else: 'x'"});
  }
}

TEST_CASE("content-length: a length that lies costs no memory") {
  ContentLengthCodec codec(UINT32_MAX);
  codec.feed(std::string_view("Content-Length: 4294967295\r\n\r\nand little more"));
  CHECK_FALSE(codec.next());
  CHECK(codec.buffer_capacity() <= 64);
}

TEST_CASE("content-length: bytes that were shown before aren't looked at again") {
  Opened codec(100);
  CHECK_FALSE(codec.locate(std::string_view("Content-Le"), 0));
  CHECK_FALSE(codec.locate(std::string_view("Con\n\r\r\n\r\nngth: 5"), 10));  // planted among the seen ones
}

TEST_CASE("content-length: a message above the maximum is refused") {
  const ContentLengthCodec codec(100);
  std::string stream;
  CHECK_THROWS_WITH_AS(codec.encode(std::string(101, 'm'), stream),
                       "a message of 101 bytes; at most 100 are allowed", FramingError);
  CHECK(stream.empty());
}
