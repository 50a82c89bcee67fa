#pragma once

#include <cstdint>
#include <vector>

#include "common/bench/figure.h"
#include "common/harness/processes/interruption.h"
#include "common/harness/progress.h"

namespace bench {

inline constexpr std::size_t decode_repetitions = 11;

/// How fast the codecs of common/framing decode a stream of 10 MB: messages of 14 and of 1000 bytes, fed in
/// pieces of 64 KiB as a busy server reads them, and byte by byte, the worst that a network can do. Megabytes
/// (10^6 bytes) of the stream a second of this thread's CPU time, so that other programs' turns don't count.
/// Fed in large pieces, messages aren't copied, and where a header says the length the decoder doesn't look
/// at a message's bytes at all; so nothing here is a limit of the memory. The figures take turns in a random
/// order, a repetition of each after the other: the machine's speed drifts. Throws harness::Interrupted,
/// net::SystemError.
std::vector<Figure> decode_speed(std::uint64_t seed, harness::Progress& progress,
                                 const harness::Interruption& interruption);

}  // namespace bench
