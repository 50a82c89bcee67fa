#pragma once

#include <vector>

#include "common/harness/experiments/experiment.h"

namespace harness {

/// All experiments that `harness sweep` knows, in the order in which `harness list` names them.
const std::vector<Experiment>& experiments();

}  // namespace harness
