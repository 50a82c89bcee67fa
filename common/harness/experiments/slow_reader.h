#pragma once

#include <vector>

#include "common/harness/experiments/experiment.h"

namespace harness {

/// A fast writer and a slow reader (lab 10), the same messages each time: `default-buffers` leaves the
/// buffers to the kernel, `set-buffers` asks for small ones, and so does `writable-events`, whose writer asks
/// epoll instead of standing in send.
std::vector<Scenario> slow_reader_scenarios();

/// Runs the pair and merges what both have recorded. Throws std::runtime_error when a program fails, when the
/// two tell of other bytes, and when a record is not whole.
Outcome conduct_slow_reader(const Run& plan, const Subject& scenario, const Conditions& conditions);

}  // namespace harness
