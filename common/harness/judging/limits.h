#pragma once

#include <cstdint>
#include <string>

#include "common/harness/judging/trial.h"

namespace harness {

/// Ends the check (not applicable) when the judge itself can't have `count` descriptors.
void need_descriptors(std::uint64_t count);

/// The limit of descriptors with which a server that holds what this one holds has room for `more`.
std::uint64_t limit_for(const ServerProcess& process, std::uint64_t more);

/// How many clients come to a server that has room for half of them.
inline constexpr std::size_t more_than_it_has_room_for = 80;

/// Starts the trial's server again with room for so few descriptors beside those that it holds. Returns its
/// limit of them. Not applicable if it doesn't start so, or is no process of ours.
std::uint64_t start_with_few_descriptors(Trial& trial);

/// Ends the check with a no if a server that has no descriptor left has ended or spins, or if it has served
/// fewer than there was room for; not applicable if it has served all. Returns the story with what was seen.
std::string require_calm_without_descriptors(Trial& trial, std::size_t served, std::string story);

}  // namespace harness
