#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace harness {

/// The order of the contenders in each round: random in each odd one, and the same backwards in the even one
/// behind it, so that each contender comes as early as it comes late. The same seed gives the same orders on
/// every machine.
std::vector<std::vector<std::size_t>> order_of_rounds(std::size_t contenders, std::size_t rounds,
                                                      std::uint64_t seed);

}  // namespace harness
