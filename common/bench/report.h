#pragma once

#include <string>
#include <vector>

#include "common/bench/figure.h"

namespace bench {

/// The report as a table for people: median, spread, goal, verdict.
std::string table(const std::vector<Figure>& figures);

/// Writes FOLDER/bench.csv (a row a figure), FOLDER/samples.csv (a row a repetition) and
/// FOLDER/environment.json, each whole or not at all. Throws std::runtime_error.
void write_records(const std::string& folder, const std::vector<Figure>& figures,
                   const std::string& environment);

}  // namespace bench
