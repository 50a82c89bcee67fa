#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/harness/experiments/experiment.h"
#include "common/harness/load/audience.h"
#include "common/harness/load/open_loop.h"

namespace harness {

/// What a span of speaking was to those who read and to the silent ones; the growth of the memory isn't known
/// from it.
FanOutFigures fan_out_figures(const Spoken& spoken, std::size_t readers, std::chrono::nanoseconds bound);

/// Each delivery that was due as a request of an open loop: every line to each of those who read.
OpenLoopResult deliveries_as_requests(const Spoken& spoken, std::size_t readers);

/// The latency of each of these deliveries from its line's intended time, line by line, and of each line
/// reader by reader; one that never came stands at the bound. Nanoseconds (latency_sample).
std::vector<std::uint32_t> samples_of(const OpenLoopResult& deliveries, std::chrono::nanoseconds bound);

/// Makes those percentiles empty that fewer lines stand behind than samples_needed: the deliveries of one
/// line are late together, however many they are. `run` is that of an open loop.
void leave_out_what_few_lines_tell(Run& run, std::size_t lines);

/// How many calls a record of strace -f has, each counted once, from the byte `from` on.
std::uint64_t count_traced_calls(const std::string& record, std::size_t from);

/// The experiment chat-fan-out: one speaks at a rate, the plan's connections listen, one in a hundred of them
/// (one at least) reads nothing while it is spoken, and then everything. In the row a request is a delivery.
/// System calls are counted in a room of its own, where all read, of up to 100 listeners: a traced room fills
/// slowly. Where strace can't count, the cell is empty and the note says why. Conduct.
Outcome conduct_chat_fan_out(const Run& plan, const Subject& subject, const Conditions& conditions);

}  // namespace harness
