#pragma once

#include <string>
#include <vector>

#include "common/harness/judging/behaviours.h"

namespace harness {

/// What was asked of one server, and the answers in the same order.
struct Row {
  Target target;
  std::vector<const Behaviour*> asked;
  std::vector<Finding> findings;
};

/// What is expected: as servers.csv says for ours, yes everywhere for any other server. "n/a" is never
/// unexpected.
bool is_expected(const Target& target, const Behaviour& behaviour, const Finding& finding);

/// How many findings are not as expected.
std::size_t count_unexpected(const std::vector<Row>& rows);

/// Every finding with what was measured, and where there is one the line "often the cause: …".
std::string matrix_evidence(const std::vector<Row>& rows);

/// The matrix as a table for people, the servers across (as many side by side as fit into `columns`
/// characters), and as JSON for machines. All rows were asked the same.
std::string matrix_table(const std::vector<Row>& rows, bool colours, std::size_t columns);
std::string matrix_json(const std::vector<Row>& rows);

}  // namespace harness
