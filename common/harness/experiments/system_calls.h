#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/harness/experiments/experiment.h"

namespace harness {

/// Call → how often it was made, from a table that `strace -c` has written.
std::map<std::string, std::int64_t> parse_strace_summary(const std::string& table);

/// The experiment system-calls: a timed run, whose row has the context switches, and two runs under `strace
/// -c -f`, one with requests and one that only opens the connections. What the first has made more, over its
/// requests, is what a request costs: in the row the sum, in the events each call. Where strace can't count,
/// the cell is empty and the note says why. Conduct.
Outcome conduct_system_calls(const Run& plan, const Subject& subject, const Conditions& conditions);

}  // namespace harness
