#include "common/framing/delimiter_codec.h"

#include <doctest/doctest.h>

#include <string>

#include "common/framing/fuzz/decoder_check.h"

using framing::decode;
using framing::Decoded;
using framing::DelimiterCodec;
using framing::FramingError;
using framing::pieces_of;

namespace {

Decoded decoded(std::string_view stream, std::size_t piece = 1000, std::size_t maximum = 10) {
  DelimiterCodec codec(maximum);
  return decode(codec, stream, pieces_of(piece));
}

const std::string too_long = "no line feed after a message of the maximum size, 10 bytes";

// Lets a test see which bytes a codec looks at.
class Opened : public DelimiterCodec {
 public:
  using DelimiterCodec::DelimiterCodec;
  using DelimiterCodec::locate;
};

}  // namespace

TEST_CASE("delimiter: a line feed ends each message") {
  const DelimiterCodec codec(10);
  std::string stream;
  codec.encode(std::string_view("one"), stream);
  codec.encode({}, stream);
  codec.encode(std::string_view("\0\xff", 2), stream);
  CHECK(stream == std::string("one\n\n\0\xff\n", 8));
  for (const std::size_t piece : {1UL, 2UL, 3UL, 8UL})
    CHECK(decoded(stream, piece) == Decoded{{"one", "", std::string("\0\xff", 2)}, ""});
}

TEST_CASE("delimiter: empty messages, one after the other") {
  CHECK(decoded("\n\n\n") == Decoded{{"", "", ""}, ""});
}

TEST_CASE("delimiter: a carriage return is an ordinary byte, before the line feed too") {
  CHECK(decoded("one\r\n\r\n\r\rtwo\n") == Decoded{{"one\r", "\r", "\r\rtwo"}, ""});
}

TEST_CASE("delimiter: a message of the maximum size, the delimiter in the same piece or in the next one") {
  for (std::size_t piece = 1; piece < 23; ++piece) {
    CAPTURE(piece);
    CHECK(decoded("0123456789\n0123456789\n", piece) == Decoded{{"0123456789", "0123456789"}, ""});
  }
}

TEST_CASE("delimiter: one byte more than the maximum is an error, be the delimiter there or not") {
  for (const std::size_t piece : {1UL, 5UL, 10UL, 11UL, 12UL, 1000UL}) {
    CAPTURE(piece);
    CHECK(decoded("0123456789a\n", piece) == Decoded{{}, too_long});
    CHECK(decoded("0123456789a", piece) == Decoded{{}, too_long});
    CHECK(decoded(std::string(500, 'a'), piece) == Decoded{{}, too_long});
  }
}

TEST_CASE("delimiter: good messages before one that is too long are handed out, those behind it are not") {
  for (const std::size_t piece : {1UL, 5UL, 1000UL})
    CHECK(decoded("one\ntwo\n0123456789a\nthree\n", piece) == Decoded{{"one", "two"}, too_long});
}

TEST_CASE("delimiter: that a message will be too long is said as soon as it is certain") {
  DelimiterCodec codec(10);
  codec.feed(std::string_view("0123456789"));
  CHECK_FALSE(codec.next());
  codec.feed(std::string_view("a"));
  CHECK_THROWS_WITH_AS(codec.next(), too_long.c_str(), FramingError);
}

TEST_CASE("delimiter: a maximum of nothing allows empty messages only") {
  CHECK(decoded("\n\n", 1, 0) == Decoded{{"", ""}, ""});
  CHECK(decoded("a\n", 2, 0).error == "no line feed after a message of the maximum size, 0 bytes");
}

TEST_CASE("delimiter: a stream that ends without the delimiter ends inside a message") {
  CHECK(decoded("one\ntw") ==
        Decoded{{"one"}, "the stream ended inside a message: after 2 bytes of its frame"});
  CHECK(decoded("\r") == Decoded{{}, "the stream ended inside a message: after 1 bytes of its frame"});
}

TEST_CASE("delimiter: a message that holds the delimiter is refused, and so is one that is too long") {
  const DelimiterCodec codec(10);
  std::string stream;
  CHECK_THROWS_WITH_AS(codec.encode(std::string_view("a\nb"), stream),
                       "the message holds a line feed, its byte 2; that would end it there", FramingError);
  CHECK_THROWS_AS(codec.encode(std::string_view("\n"), stream), FramingError);
  CHECK_THROWS_AS(codec.encode(std::string_view("0123456789\n"), stream), FramingError);
  CHECK_THROWS_WITH_AS(codec.encode(std::string(11, 'm'), stream),
                       "a message of 11 bytes; at most 10 are allowed", FramingError);
  CHECK(stream.empty());
}

TEST_CASE("delimiter: bytes that were shown before aren't looked at again, nor those beyond the maximum") {
  Opened codec(10);
  CHECK_FALSE(codec.locate(std::string_view("ab\ncd"), 3));  // planted among the seen ones: not found
  CHECK(codec.locate(std::string_view("ab\ncd\n"), 3)->message_size == 5);
  CHECK_THROWS_AS(codec.locate(std::string_view("0123456789a\n"), 0), FramingError);
}
