// What holds for all codecs: common/framing/codec.h.

#include "common/framing/codec.h"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "common/framing/fuzz/decoder_check.h"

using framing::Codec;
using framing::cut_at;
using framing::decode;
using framing::Decoded;
using framing::Frame;
using framing::FramingError;
using framing::make_codec;
using framing::pieces_of;
using framing::random_pieces;

namespace {

constexpr framing::CodecOptions small{.message_size = 14, .maximum = 100};
constexpr std::size_t mebibyte = 1024UL * 1024;

std::string encoded(const Codec& codec, const std::vector<std::string>& messages) {
  std::string stream;
  for (const std::string& message : messages) codec.encode(message, stream);
  return stream;
}

// Any bytes, of sizes from nothing to the maximum, as far as the codec can carry them.
std::vector<std::string> random_messages(const std::string& codec, std::size_t count, std::mt19937& random) {
  std::vector<std::string> messages(count);
  for (std::string& message : messages) {
    const std::size_t sizes[] = {0, 1, small.maximum, random() % small.maximum};
    message.resize(codec == "fixed" ? small.message_size : sizes[random() % std::size(sizes)]);
    for (char& byte : message) {
      do byte = static_cast<char>(random() % 256);
      while (codec == "delimiter" && byte == '\n');
    }
  }
  return messages;
}

// Shows a codec's work: how often a byte was shown to locate as a new one.
class WatchedCodec : public Codec {
 public:
  WatchedCodec() : Codec(mebibyte, 0) {}
  void encode(std::span<const char> message, std::string& stream) const override {
    stream.append(message.data(), message.size());
  }
  std::size_t shown_as_new() const { return shown_as_new_; }

 protected:
  // One frame as large as is allowed, which is located only when it is there.
  std::optional<Frame> locate(std::span<const char> begun, std::size_t seen) override {
    shown_as_new_ += begun.size() - seen;
    if (begun.size() < mebibyte) return std::nullopt;
    return Frame{.message_size = mebibyte};
  }

 private:
  std::size_t shown_as_new_ = 0;
};

}  // namespace

TEST_CASE("random messages come out as they went in, wherever the stream is cut") {
  std::mt19937 random(2026);
  for (const std::string& name : framing::codec_names()) {
    CAPTURE(name);
    for (int list = 0; list < 20; ++list) {
      const Decoded expected{random_messages(name, random() % 9, random), ""};
      const std::string stream = encoded(*make_codec(name, small), expected.messages);
      for (std::size_t i = 0; i <= stream.size(); ++i) {
        CAPTURE(i);
        REQUIRE(decode(*make_codec(name, small), stream, cut_at(i)) == expected);
      }
      for (std::size_t size = 1; size < 10; ++size)
        CHECK(decode(*make_codec(name, small), stream, pieces_of(size)) == expected);
      for (std::uint32_t seed = 0; seed < 20; ++seed)
        CHECK(decode(*make_codec(name, small), stream, random_pieces(seed)) == expected);
    }
  }
}

TEST_CASE(
    "a stream that ends at a message's edge is right; anywhere else it is an error, after the whole "
    "messages") {
  std::mt19937 random(4);
  for (const std::string& name : framing::codec_names()) {
    CAPTURE(name);
    const std::vector<std::string> messages = random_messages(name, 4, random);
    std::set<std::size_t> edges;
    for (std::size_t count = 0; count <= messages.size(); ++count)
      edges.insert(encoded(*make_codec(name, small),
                           {messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(count)})
                       .size());
    const std::string stream = encoded(*make_codec(name, small), messages);
    for (std::size_t end = 0; end <= stream.size(); ++end) {
      CAPTURE(end);
      const Decoded decoded = decode(*make_codec(name, small), std::span(stream).first(end), pieces_of(5));
      CHECK(decoded.error.empty() == edges.contains(end));
      const auto whole = static_cast<std::size_t>(std::distance(edges.begin(), edges.upper_bound(end))) - 1;
      CHECK(decoded.messages ==
            std::vector(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(whole)));
      if (!decoded.error.empty())
        CHECK(decoded.error.starts_with("the stream ended inside a message: after "));
    }
  }
}

TEST_CASE("what no codec is made for") {
  CHECK(framing::codec_names() ==
        std::vector<std::string>{"fixed", "delimiter", "length-prefix", "content-length"});
  CHECK_THROWS_WITH_AS(make_codec("netstring", {}),
                       "no codec 'netstring'; there are fixed, delimiter, length-prefix, content-length",
                       std::invalid_argument);
  for (const std::string& name : framing::codec_names()) {
    CAPTURE(name);
    CHECK_THROWS_AS(make_codec(name, {.message_size = 1UL << 32U, .maximum = 1UL << 32U}),
                    std::invalid_argument);
    CHECK_NOTHROW(make_codec(name, {.message_size = UINT32_MAX, .maximum = UINT32_MAX}));
  }
}

TEST_CASE("nothing fed yields nothing, and is a right stream") {
  for (const std::string& name : framing::codec_names()) {
    CAPTURE(name);
    const auto codec = make_codec(name, small);
    CHECK_FALSE(codec->next());
    codec->feed({});
    CHECK_FALSE(codec->next());
    CHECK_FALSE(codec->next());
    CHECK_NOTHROW(codec->end());
  }
}

TEST_CASE("messages that lie whole in the fed bytes aren't copied, also behind one that arrived in pieces") {
  const std::vector<std::string> messages(5, "Hello, server!");
  for (const std::string& name : framing::codec_names()) {
    CAPTURE(name);
    const auto codec = make_codec(name, small);
    const std::string stream = encoded(*codec, messages);
    const auto lies_in = [](std::span<const char> message, std::span<const char> bytes) {
      return message.data() >= bytes.data() && message.data() + message.size() <= bytes.data() + bytes.size();
    };
    const std::span<const char> first = std::span(stream).first(10), rest = std::span(stream).subspan(10);
    codec->feed(first);
    CHECK_FALSE(codec->next());
    codec->feed(rest);
    auto message = codec->next();
    REQUIRE(message);
    CHECK_FALSE(lies_in(*message, stream));
    CHECK(std::string(message->begin(), message->end()) == messages[0]);
    for (std::size_t i = 1; i < messages.size(); ++i) {
      message = codec->next();
      REQUIRE(message);
      CHECK(lies_in(*message, rest));
      CHECK(codec->buffer_capacity() == 0);
    }
    CHECK_FALSE(codec->next());
  }
}

TEST_CASE("a message that was collected stays valid until the next call, while fed bytes wait behind it") {
  const auto codec = make_codec("delimiter", small);
  const std::string one = "Hel", two = "lo\nwor", three = "ld\n";
  codec->feed(one);
  CHECK_FALSE(codec->next());
  codec->feed(two);
  const auto message = codec->next();
  REQUIRE(message);
  CHECK(std::string(message->begin(), message->end()) == "Hello");
  CHECK_THROWS_WITH_AS(codec->feed(three), "feed: next() hasn't yet taken all bytes fed before",
                       std::logic_error);
  CHECK_THROWS_WITH_AS(codec->end(), "end: next() hasn't yet taken all bytes", std::logic_error);
  CHECK(std::string(message->begin(), message->end()) == "Hello");
  CHECK_FALSE(codec->next());
  codec->feed(three);
  const auto second = codec->next();
  REQUIRE(second);
  CHECK(std::string(second->begin(), second->end()) == "world");
  CHECK_NOTHROW(codec->end());
}

TEST_CASE("after the end inside a message every call repeats the error") {
  for (const std::string& name : framing::codec_names()) {
    CAPTURE(name);
    const auto codec = make_codec(name, small);
    codec->feed(std::string_view("C"));
    CHECK_FALSE(codec->next());
    std::string error;
    try {
      codec->end();
    } catch (const FramingError& thrown) {
      error = thrown.what();
    }
    CHECK(error.starts_with("the stream ended inside a message: after "));
    CHECK_NOTHROW(framing::require_sticky(*codec, error));
  }
}

TEST_CASE("a refused message leaves the stream as it was, and the next one can be encoded") {
  for (const std::string& name : framing::codec_names()) {
    CAPTURE(name);
    const auto codec = make_codec(name, small);
    std::string stream = encoded(*codec, {"Hello, server!"});
    const std::string before = stream;
    CHECK_THROWS_AS(codec->encode(std::string(101, 'm'), stream), FramingError);
    CHECK(stream == before);
    codec->encode(std::string_view("Hello, client!"), stream);
    CHECK(decode(*codec, stream, pieces_of(3)) == Decoded{{"Hello, server!", "Hello, client!"}, ""});
  }
}

TEST_CASE("a mebibyte fed byte by byte: none is shown twice as new, the memory grows a few times only") {
  WatchedCodec codec;
  const std::string stream(mebibyte, 'm');
  std::set<std::size_t> capacities;
  std::optional<std::span<const char>> message;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    codec.feed(std::span(stream).subspan(i, 1));
    message = codec.next();
    if (message.has_value() != (i + 1 == stream.size())) FAIL("at byte ", i);
    capacities.insert(codec.buffer_capacity());
  }
  CHECK(message->size() == mebibyte);
  CHECK(codec.shown_as_new() == mebibyte);
  CHECK(capacities.size() == 15);  // 64 bytes doubled to a mebibyte
}

TEST_CASE("a largest message fed byte by byte decodes, and its memory is given back") {
  for (const std::string& name : framing::codec_names()) {
    CAPTURE(name);
    const framing::CodecOptions options{.message_size = mebibyte, .maximum = mebibyte};
    const auto codec = make_codec(name, options);
    const std::string message(mebibyte, 'm');
    const Decoded decoded = decode(*codec, encoded(*codec, {message, message}), pieces_of(1));
    CHECK(decoded.error.empty());
    CHECK((decoded.messages == std::vector{message, message}));  // in parentheses: not printed when it fails
    CHECK(codec->buffer_capacity() == 0);
  }
}
