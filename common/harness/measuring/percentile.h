#pragma once

#include <cstdint>
#include <span>

namespace harness {

/// The smallest of `sorted` that at least `percent` percent of them don't exceed (the nearest-rank
/// definition): always a value that was measured. `percent` is in (0, 100]; `sorted` is ascending. 0 if there
/// are none.
std::uint32_t percentile(std::span<const std::uint32_t> sorted, double percent);
std::uint64_t percentile(std::span<const std::uint64_t> sorted, double percent);

}  // namespace harness
