#pragma once

#include <cstdint>
#include <string>

#include "common/harness/experiments/experiment.h"

namespace harness {

/// How many calls a record of strace -f has, each counted once, from the byte `from` on.
std::uint64_t count_traced_calls(const std::string& record, std::size_t from);

/// The experiment chat-fan-out: one speaks at a rate, the plan's connections listen, one in a hundred of them
/// (one at least) reads nothing while it is spoken, and then everything. In the row a request is a delivery.
/// System calls are counted in a room of its own, where all read, of up to 100 listeners: a traced room fills
/// slowly. Where strace can't count, the cell is empty and the note says why. Conduct.
Outcome conduct_chat_fan_out(const Run& plan, const Subject& subject, const Conditions& conditions);

}  // namespace harness
