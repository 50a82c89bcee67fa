#pragma once

#include <vector>

#include "common/harness/commands.h"
#include "common/harness/measuring/measurement.h"

namespace harness {

/// The servers that `harness compare` is to compare, in the order names, addresses, commands: the others with
/// the first. Each is there once, also if the user named it twice, and no two have the same name. Throws
/// BadUse for fewer than two, or for a mistake in one.
std::vector<Target> choose_contenders(const Choice& choice, const std::vector<KnownServer>& known);

/// Those, and behind the first the same under another name (Compared::base_again).
std::vector<Target> with_base_again(const std::vector<Target>& targets);

/// Throws BadUse with the cure for a server of the labs that can't take so many connections, or stops at a
/// silent one, by its nature.
void require_able(const std::vector<Target>& targets, const LoadPoint& point);

/// Starts each once and lets a first client speak. Says a line for each that doesn't start, isn't there, or
/// is no echo. True if all can be measured. Throws Interrupted.
bool all_can_be_measured(const std::vector<Target>& targets, const Interruption& interruption);

}  // namespace harness
