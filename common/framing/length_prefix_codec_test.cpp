#include "common/framing/length_prefix_codec.h"

#include <doctest/doctest.h>

#include <string>

#include "common/framing/fuzz/decoder_check.h"

using framing::decode;
using framing::Decoded;
using framing::FramingError;
using framing::LengthPrefixCodec;
using framing::pieces_of;

namespace {

// A prefix written by hand: the codec isn't tested with itself alone.
std::string prefix(unsigned a, unsigned b, unsigned c, unsigned d) {
  std::string bytes;
  for (const unsigned byte : {a, b, c, d}) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

Decoded decoded(std::string_view stream, std::size_t piece = 1000, std::size_t maximum = 10) {
  LengthPrefixCodec codec(maximum);
  return decode(codec, stream, pieces_of(piece));
}

std::string announces(const std::string& length, const std::string& bytes) {
  return "a length prefix announces " + length + " bytes; at most 10 are allowed; the four bytes are \"" +
         bytes + "\"";
}

}  // namespace

TEST_CASE("length-prefix: four bytes, the most significant first, then the message") {
  const LengthPrefixCodec codec(1 << 20);
  std::string stream;
  codec.encode(std::string_view("Hello, server!"), stream);
  CHECK(stream == prefix(0, 0, 0, 14) + "Hello, server!");
  stream.clear();
  codec.encode(std::string(0x01'02'03, 'm'), stream);
  CHECK(stream.substr(0, 4) == prefix(0, 1, 2, 3));
  CHECK(stream.size() == 4 + 0x01'02'03);
  stream.clear();
  codec.encode({}, stream);
  CHECK(stream == prefix(0, 0, 0, 0));
}

TEST_CASE("length-prefix: each byte of the prefix counts, those above 127 too") {
  for (const std::size_t size : {0UL, 1UL, 127UL, 128UL, 255UL, 256UL, 65'535UL, 65'536UL, 8'421'504UL}) {
    CAPTURE(size);
    LengthPrefixCodec codec(1UL << 24U);
    std::string stream;
    codec.encode(std::string(size, 'm'), stream);
    codec.feed(stream);
    const auto message = codec.next();
    REQUIRE(message);
    CHECK(message->size() == size);
    CHECK_FALSE(codec.next());
  }
}

TEST_CASE("length-prefix: several frames in one piece, one frame in several, and both at once") {
  const std::string stream = prefix(0, 0, 0, 9) + "abcdefghi" + prefix(0, 0, 0, 3) + "123" +
                             prefix(0, 0, 0, 0) + prefix(0, 0, 0, 1) + "x";
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    CAPTURE(piece);
    CHECK(decoded(stream, piece) == Decoded{{"abcdefghi", "123", "", "x"}, ""});
  }
}

TEST_CASE("length-prefix: what looks like a frame inside a message is just bytes of it") {
  CHECK(decoded(prefix(0, 0, 0, 8) + prefix(0, 0, 0, 4) + "abcd") ==
        Decoded{{prefix(0, 0, 0, 4) + "abcd"}, ""});
}

TEST_CASE("length-prefix: the maximum is allowed, one more is not, nor anything above") {
  CHECK(decoded(prefix(0, 0, 0, 10) + "0123456789") == Decoded{{"0123456789"}, ""});
  for (const std::size_t piece : {1UL, 3UL, 4UL, 1000UL}) {
    CAPTURE(piece);
    CHECK(decoded(prefix(0, 0, 0, 11) + "0123456789a", piece) ==
          Decoded{{}, announces("11", "\\x00\\x00\\x00\\x0b")});
    CHECK(decoded(prefix(0, 0, 1, 0), piece) == Decoded{{}, announces("256", "\\x00\\x00\\x01\\x00")});
    CHECK(decoded(prefix(14, 0, 0, 0) + "Hello, server!", piece) ==
          Decoded{{}, announces("234881024", "\\x0e\\x00\\x00\\x00")});
    CHECK(decoded(prefix(0x7f, 0xff, 0xff, 0xff), piece) ==
          Decoded{{}, announces("2147483647", "\\x7f\\xff\\xff\\xff")});
  }
}

TEST_CASE("length-prefix: a length that a signed number would take for negative is large, not negative") {
  CHECK(decoded(prefix(0x80, 0, 0, 0)) == Decoded{{}, announces("2147483648", "\\x80\\x00\\x00\\x00")});
  CHECK(decoded(prefix(0xff, 0xff, 0xff, 0xff)) ==
        Decoded{{}, announces("4294967295", "\\xff\\xff\\xff\\xff")});
  CHECK(decoded(prefix(0xff, 0xff, 0xff, 0xfc)) ==
        Decoded{{}, announces("4294967292", "\\xff\\xff\\xff\\xfc")});  // -4: would skip backwards
}

TEST_CASE("length-prefix: text instead of frames is noticed by its length") {
  CHECK(decoded("Hello, server!") == Decoded{{}, announces("1214606444", "Hell")});
  CHECK(decoded("GET / HTTP/1.1\r\n") == Decoded{{}, announces("1195725856", "GET ")});
}

TEST_CASE(
    "length-prefix: the four bytes tell a length that counts characters, and one that is written as text") {
  // Two characters of three bytes each: the message ends in the middle of the second one.
  CHECK(decoded(prefix(0, 0, 0, 2) + "你好") == Decoded{{"\xe4\xbd"}, announces("2699404733", "\\xa0好")});
  CHECK(decoded("0014Hello, server!") == Decoded{{}, announces("808464692", "0014")});
  CHECK(decoded("14\r\nHello, server!") == Decoded{{}, announces("825494794", "14\\r\\n")});
}

TEST_CASE("length-prefix: a length that counts its own four bytes takes them from the next frame") {
  const std::string counted =
      prefix(0, 0, 0, 7) + "one" + prefix(0, 0, 0, 7) + "two" + prefix(0, 0, 0, 7) + "six";
  CHECK(decoded(counted) == Decoded{{"one" + prefix(0, 0, 0, 7)}, announces("1953984256", "two\\x00")});
}

TEST_CASE("length-prefix: a wrong length is refused with its fourth byte, before anything of the message") {
  LengthPrefixCodec codec(10);
  codec.feed(std::string_view("\0\0\1", 3));
  CHECK_FALSE(codec.next());
  codec.feed(std::string_view("\0", 1));
  CHECK_THROWS_WITH_AS(codec.next(), announces("256", "\\x00\\x00\\x01\\x00").c_str(), FramingError);
}

TEST_CASE("length-prefix: good messages before a wrong length are handed out, those behind it are not") {
  const std::string stream =
      prefix(0, 0, 0, 3) + "one" + prefix(0, 0, 0, 11) + "0123456789a" + prefix(0, 0, 0, 3) + "two";
  for (const std::size_t piece : {1UL, 5UL, 9UL, 1000UL})
    CHECK(decoded(stream, piece) == Decoded{{"one"}, announces("11", "\\x00\\x00\\x00\\x0b")});
}

TEST_CASE("length-prefix: a stream that ends inside the prefix, or inside the message") {
  const std::string ended = "the stream ended inside a message: after ";
  CHECK(decoded(prefix(0, 0, 0, 9).substr(0, 2)) == Decoded{{}, ended + "2 bytes of its frame"});
  CHECK(decoded(prefix(0, 0, 0, 9)) == Decoded{{}, ended + "4 of the 13 bytes of its frame"});
  CHECK(decoded(prefix(0, 0, 0, 9) + "abcd", 3) == Decoded{{}, ended + "8 of the 13 bytes of its frame"});
}

TEST_CASE("length-prefix: a length that lies costs no memory") {
  LengthPrefixCodec codec(UINT32_MAX);
  codec.feed(std::string_view("\xff\xff\xff\xff: four gibibytes, says the prefix"));
  CHECK_FALSE(codec.next());
  CHECK(codec.buffer_capacity() <= 64);
}

TEST_CASE("length-prefix: the largest maximum, and a message above the maximum") {
  const LengthPrefixCodec codec(10);
  std::string stream;
  CHECK_THROWS_WITH_AS(codec.encode(std::string(11, 'm'), stream),
                       "a message of 11 bytes; at most 10 are allowed", FramingError);
  CHECK(stream.empty());
  CHECK_THROWS_WITH_AS(LengthPrefixCodec(1UL << 32U),
                       "a maximum message size of 4294967296 bytes; at most 4294967295 are allowed",
                       std::invalid_argument);
}
