#include "common/bench/decode_speed.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <random>
#include <span>
#include <stdexcept>
#include <string>

#include "common/framing/codec.h"
#include "common/harness/measuring/shuffle.h"
#include "common/net/system_error.h"

namespace bench {

namespace {

constexpr std::size_t stream_bytes = 10'000'000;

struct Decoding {
  std::string codec;
  std::size_t message_size;
  std::size_t piece_size;

  std::string name() const {
    return fmt::format("decode {}, {}-byte messages, {}", codec, message_size,
                       piece_size == 1 ? "byte by byte" : fmt::format("{} KiB a piece", piece_size / 1024));
  }
  std::unique_ptr<framing::Codec> fresh_codec() const {
    return framing::make_codec(codec, {.message_size = message_size});
  }
};

std::vector<Decoding> all_decodings() {
  std::vector<Decoding> decodings;
  for (const std::string& codec : framing::codec_names()) {
    for (const std::size_t message_size : {14UL, 1000UL}) {
      for (const std::size_t piece_size : {64UL * 1024, 1UL})
        decodings.push_back({codec, message_size, piece_size});
    }
  }
  return decodings;
}

double cpu_seconds() {
  timespec time{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) throw net::SystemError("clock_gettime");
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Decodes such a stream once; megabytes a second. The stream is made each time rather than kept: all of them
// would take 160 MB.
double speed_of(const Decoding& decoding) {
  const auto codec = decoding.fresh_codec();
  const std::string message(decoding.message_size, 'm');
  std::string stream;
  std::size_t messages = 0;
  for (; stream.size() < stream_bytes; ++messages) codec->encode(message, stream);

  std::span<const char> rest = stream;
  std::size_t bytes = 0;  // of messages; the sum keeps the compiler from leaving anything out
  const double begin = cpu_seconds();
  while (!rest.empty()) {
    const std::size_t size = std::min(decoding.piece_size, rest.size());
    codec->feed(rest.first(size));
    while (const auto decoded = codec->next()) bytes += decoded->size();
    rest = rest.subspan(size);
  }
  codec->end();
  const double seconds = cpu_seconds() - begin;
  if (bytes != messages * decoding.message_size)
    throw std::logic_error(decoding.name() + ": bytes are missing");
  return static_cast<double>(stream.size()) / 1e6 / seconds;
}

}  // namespace

std::vector<Figure> decode_speed(std::uint64_t seed, harness::Progress& progress,
                                 const harness::Interruption& interruption) {
  const std::vector<Decoding> decodings = all_decodings();
  std::vector<Figure> figures;
  std::vector<std::size_t> order;
  for (const Decoding& decoding : decodings) {
    order.push_back(figures.size());
    figures.push_back({.name = decoding.name(), .unit = "MB/s"});
  }
  std::mt19937_64 random(seed);
  for (std::size_t repetition = 1; repetition <= decode_repetitions; ++repetition) {
    progress.step(fmt::format("decoding, repetition {} of {}", repetition, decode_repetitions));
    harness::shuffle(order, random);
    for (const std::size_t i : order) {
      interruption.check();
      figures[i].samples.push_back({.value = speed_of(decodings[i])});
    }
  }
  return figures;
}

}  // namespace bench
