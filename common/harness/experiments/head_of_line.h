#pragma once

#include <string>

#include "common/harness/measuring/measurement.h"
#include "common/harness/processes/interruption.h"
#include "common/harness/processes/target.h"

namespace harness {

/// The head-of-line experiment: client 0 connects first, is silent for 2 s and then speaks like the others;
/// clients 1 to 7 speak from the start, each again 20 ms after its last reply. Ends after 3 s.
struct HeadOfLine {
  Run run;
  /// CSV `client,sequence,sent_us,answered_us`, microseconds from the start; no answer: an empty cell.
  std::string requests;
  double longest_wait_ms = 0;  ///< of clients 1 to 7
};

/// Throws ServerError, Interrupted, net::SystemError.
HeadOfLine run_head_of_line(const Target& target, const Cores& cores, const Interruption& interruption);

}  // namespace harness
