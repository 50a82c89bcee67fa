#pragma once

#include <string>
#include <vector>

#include "common/harness/processes/interruption.h"
#include "common/harness/processes/target.h"

namespace harness {

/// The servers that a command goes on with, and those that this machine can't run.
struct Selection {
  std::vector<Target> targets;
  std::vector<std::string> left_out;  ///< "SERVER: why"
};

/// Leaves out the servers of the labs that this machine can't build or run, which is no one's fault: their
/// library isn't installed, or the kernel doesn't allow what they need. Finding that out starts such a server
/// once. A program that ought to be there and isn't stays in: starting it is an error. Throws Interrupted,
/// ServerError.
Selection leave_out_what_cannot_run(const std::vector<Target>& targets, const Interruption& interruption);

}  // namespace harness
