#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/harness/experiments/experiment.h"

namespace harness {

/// Rounds of two writes and a read on one connection, by the program of lab 02b that plays both ends: `nagle`
/// leaves the socket as it is, `nodelay` sets TCP_NODELAY. Throws std::runtime_error when the program fails
/// or tells of other rounds than it was asked for.
Outcome conduct_write_write_read(const Run& plan, const Subject& scenario, const Conditions& conditions);

/// The durations in nanoseconds from the lines `round 1: 61 us`, which have to be rounds 1 to `rounds` in
/// order; other lines are passed over. Throws std::runtime_error.
std::vector<std::uint32_t> round_times(const std::vector<std::string>& lines, std::size_t rounds);

}  // namespace harness
