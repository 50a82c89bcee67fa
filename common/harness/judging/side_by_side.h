#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/harness/judging/matrix.h"

namespace harness {

/// Asks all behaviours of all targets, several at the same time: most checks mostly wait. Each runs in a
/// process of its own, so that it has descriptors of its own, finds whatever its server leaves behind, and
/// can be ended: one that isn't done after 60 s in which it could have run is n/a, and says so. A server that
/// runs elsewhere is asked one thing at a time. `begin` is called as each check begins, with words for the
/// user. Returns a row a target, in their order. Throws ServerError for a server that can't be started,
/// Interrupted; nothing is left running then.
std::vector<Row> judge(const std::vector<Target>& targets, const std::vector<const Behaviour*>& asked,
                       const Interruption& interruption,
                       const std::function<void(const std::string&)>& begin);

}  // namespace harness
