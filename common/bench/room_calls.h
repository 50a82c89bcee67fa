#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/bench/figure.h"
#include "common/harness/comparing/turns.h"
#include "common/harness/progress.h"

namespace bench {

/// How many listeners a room has while it is measured.
inline constexpr std::size_t listeners = 1000;

/// Descriptors that the bench needs for two rooms' guests at once.
inline constexpr std::uint64_t room_descriptors = 2 * listeners + 200;

inline constexpr std::size_t room_calls_repetitions = 3;

std::string room_calls_name(const harness::Contender& room);

/// Counts a room's system calls for each line that it delivers, with strace(1) attached once all are inside:
/// each repetition on a room of its own. A figure with a note instead of samples where that can't be done
/// here. Throws harness::ServerError, harness::Interrupted, net::SystemError.
Figure room_calls(const harness::Contender& room, const Goal& goal, int core, harness::Progress& progress,
                  const harness::Interruption& interruption);

}  // namespace bench
