#pragma once

// What has to hold for a decoder whatever bytes it is fed. The fuzzer looks for bytes for which it doesn't;
// the tests check it for those that are kept (kept_cases_test.cpp) and use `decode` for their own.

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/framing/codec.h"

namespace framing {

/// All that came out of one stream, to its end.
struct Decoded {
  std::vector<std::string> messages;
  std::string error;  ///< what() of the FramingError that ended it; empty if the stream was right

  bool operator==(const Decoded&) const = default;
};

/// Says how many bytes the next piece is to have, of `left`.
using Cut = std::function<std::size_t(std::size_t left)>;

inline Cut pieces_of(std::size_t size) {
  return [size](std::size_t) { return size; };
}

/// Two pieces, the first of `size` bytes.
inline Cut cut_at(std::size_t size) {
  return [size, first = true](std::size_t left) mutable { return std::exchange(first, false) ? size : left; };
}

/// Mostly small pieces, and some that hold several messages.
inline Cut random_pieces(std::uint32_t seed) {
  return [random = std::mt19937(seed)](std::size_t) mutable {
    const std::uint32_t most = random() % 4 == 0 ? 300 : 10;
    return 1 + random() % most;
  };
}

inline void require(bool holds, const std::string& what) {
  if (!holds) throw std::logic_error(what);
}

/// Throws std::logic_error unless all calls throw that error again.
inline void require_sticky(Codec& codec, const std::string& error) {
  const auto throws_it = [&error](const auto& call) {
    try {
      call();
    } catch (const FramingError& again) {
      return again.what() == error;
    }
    return false;
  };
  require(throws_it([&] { codec.feed({}); }), "feed() after an error doesn't repeat it");
  require(throws_it([&] { codec.next(); }), "next() after an error doesn't repeat it");
  require(throws_it([&] { codec.end(); }), "end() after an error doesn't repeat it");
  require(codec.buffer_capacity() == 0, "it holds memory after an error");
}

/// Feeds the stream in pieces. Each piece is a copy that is freed when it may go, so that AddressSanitizer
/// sees any look at it afterwards, or beyond its end. Throws std::logic_error if the codec holds more memory
/// than it may.
inline Decoded decode(Codec& codec, std::span<const char> stream, const Cut& cut) {
  Decoded decoded;
  std::size_t arrived = 0;
  try {
    while (arrived < stream.size()) {
      const std::size_t left = stream.size() - arrived;
      const std::span<const char> next =
          stream.subspan(arrived, std::min(std::max<std::size_t>(cut(left), 1), left));
      const std::vector<char> piece(next.begin(), next.end());
      arrived += piece.size();
      codec.feed(piece);
      while (const auto message = codec.next())
        decoded.messages.emplace_back(message->begin(), message->end());
      require(codec.buffer_capacity() <= codec.largest_frame(), "it holds more than the largest frame");
      require(codec.buffer_capacity() <= std::max<std::size_t>(2 * arrived, 64),
              "it holds more than what arrived");
    }
    codec.end();
    require(codec.buffer_capacity() == 0, "it holds memory between two messages");
  } catch (const FramingError& error) {
    decoded.error = error.what();
    require_sticky(codec, decoded.error);
  }
  return decoded;
}

/// The limits of kept cases and of the fuzzer: low, so that random bytes reach them.
inline constexpr CodecOptions case_options{.message_size = 14, .maximum = 100};

/// Throws std::logic_error that says what doesn't hold for these bytes.
inline void check_decoder(const std::string& codec_name, std::span<const char> stream) {
  const auto fresh = [&codec_name] { return make_codec(codec_name, case_options); };
  const auto decoded = [&](std::span<const char> bytes, const Cut& cut) {
    return decode(*fresh(), bytes, cut);
  };

  const Decoded whole = decoded(stream, pieces_of(stream.size()));
  require(decoded(stream, pieces_of(1)) == whole, "single bytes decode to something else than the whole");
  // The cuts follow from the bytes: a case that fails fails each time.
  const auto seed = static_cast<std::uint32_t>(std::hash<std::string_view>()({stream.data(), stream.size()}));
  require(decoded(stream, random_pieces(seed)) == whole, "pieces decode to something else than the whole");
  require(decoded(stream, cut_at(stream.empty() ? 0 : seed % stream.size())) == whole,
          "two pieces decode to something else than the whole");

  const std::string good(case_options.message_size, 'm');
  std::string longer;
  fresh()->encode(good, longer);
  longer.append(stream.data(), stream.size());
  Decoded expected = whole;
  expected.messages.insert(expected.messages.begin(), good);
  require(decoded(longer, pieces_of(longer.size())) == expected,
          "it remembers something of the message before");

  std::string again;
  for (const std::string& message : whole.messages) fresh()->encode(message, again);
  require(decoded(again, pieces_of(7)) == Decoded{whole.messages, ""},
          "what was decoded doesn't survive encoding");
}

}  // namespace framing
