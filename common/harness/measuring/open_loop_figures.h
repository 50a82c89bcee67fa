#pragma once

#include <chrono>
#include <string>

#include "common/harness/load/load_generator.h"
#include "common/harness/load/open_loop.h"
#include "common/harness/records/records.h"

namespace harness {

/// Where a request stands in the percentiles that was never sent or never answered: at the run's bound, the
/// timeout of a request or, where it is longer, all the time that the run took. No answered request took
/// longer.
std::chrono::nanoseconds bound_of(const OpenLoopResult& result, std::chrono::nanoseconds request_timeout);

/// Fills in what an open loop has shown: the latencies, `requests` (those that were answered), and
/// `open_loop` but for its arrivals.
void fill_in_open_loop(Run& run, const OpenLoopResult& result, std::chrono::nanoseconds request_timeout);

/// The p99 of how late the generator itself was, over all requests that it offered (OfferedRequest::late).
std::chrono::nanoseconds lateness_p99(const OpenLoopResult& result);

/// The share of the offered requests that fell out of the span by the generator alone: sent behind its end,
/// although they were possible within.
double share_held_back(const OpenLoopResult& result);

/// All requests as CSV, in the order of their intended times: "intended_us,sent_us,answered_us", since the
/// span's beginning; an empty cell: never.
std::string csv_of(const OpenLoopResult& result);
/// Those of a closed loop that has kept their times, in the order of their answers: it intends nothing.
std::string csv_of(const LoadResult& result);

}  // namespace harness
