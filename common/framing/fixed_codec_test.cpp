#include "common/framing/fixed_codec.h"

#include <doctest/doctest.h>

#include <string>

#include "common/framing/fuzz/decoder_check.h"

using framing::decode;
using framing::Decoded;
using framing::FixedCodec;
using framing::FramingError;
using framing::pieces_of;

TEST_CASE("fixed: the stream is nothing but the messages, any bytes") {
  FixedCodec codec(4, 100);
  std::string stream;
  codec.encode(std::string_view("\0\n\r\xff", 4), stream);
  codec.encode(std::string_view("abcd"), stream);
  CHECK(stream == std::string("\0\n\r\xff"
                              "abcd",
                              8));
  CHECK(decode(codec, stream, pieces_of(3)) == Decoded{{std::string("\0\n\r\xff", 4), "abcd"}, ""});
}

TEST_CASE("fixed: messages of one byte, and as large as is allowed") {
  FixedCodec one(1, 1);
  CHECK(decode(one, std::string_view("abc"), pieces_of(2)) == Decoded{{"a", "b", "c"}, ""});
  FixedCodec largest(100, 100);
  CHECK(decode(largest, std::string(200, 'm'), pieces_of(99)).messages.size() == 2);
}

TEST_CASE("fixed: a message of another size is refused") {
  const FixedCodec codec(14, 100);
  std::string stream;
  CHECK_THROWS_WITH_AS(codec.encode(std::string_view("Hello, serve!"), stream),
                       "a message of 13 bytes; each has to have 14", FramingError);
  CHECK_THROWS_WITH_AS(codec.encode(std::string_view("Hello, servers!"), stream),
                       "a message of 15 bytes; each has to have 14", FramingError);
  CHECK_THROWS_WITH_AS(codec.encode({}, stream), "a message of 0 bytes; each has to have 14", FramingError);
  CHECK(stream.empty());
}

TEST_CASE("fixed: a stream that isn't made of whole messages ends with an error") {
  FixedCodec codec(14, 100);
  CHECK(
      decode(codec, std::string_view("Hello, server!Hello"), pieces_of(19)) ==
      Decoded{{"Hello, server!"}, "the stream ended inside a message: after 5 of the 14 bytes of its frame"});
}

TEST_CASE("fixed: sizes that make no codec") {
  CHECK_THROWS_WITH_AS(FixedCodec(0, 100), "a fixed message size of 0 bytes; from 1 to 100 are allowed",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(FixedCodec(101, 100), "a fixed message size of 101 bytes; from 1 to 100 are allowed",
                       std::invalid_argument);
}
