#pragma once

#include <memory>

#include "common/harness/comparing/turns.h"

namespace bench {

/// A chat room: one speaker, 1,000 listeners, lines of 64 bytes, the next one when all have heard the last.
/// Of the plan only the core counts. What harness::Begin says holds.
std::unique_ptr<harness::TurnTaker> begin_room(const harness::Contender& room, const harness::TurnsPlan& plan,
                                               const harness::Interruption& interruption);

}  // namespace bench
