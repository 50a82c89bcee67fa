#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/harness/load/audience.h"
#include "common/harness/load/open_loop.h"
#include "common/harness/records/records.h"

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

/// Who heard which line when, as CSV: "event,listener,line,time_us", microseconds since the span's beginning.
/// The events: a line was `intended`, `sent`, `heard`; a `silent` listener began to read.
std::string csv_of(const Spoken& spoken, std::size_t readers);

}  // namespace harness
