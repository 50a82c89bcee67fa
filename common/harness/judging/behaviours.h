#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/harness/processes/interruption.h"
#include "common/harness/processes/target.h"

namespace harness {

enum class Answer { yes, no, not_applicable };

/// The answer to one question about one server, with what was measured: "8 of 8 replies, longest wait 0.3
/// ms".
struct Finding {
  Answer answer = Answer::not_applicable;
  std::string evidence;
};

/// A question about a server, and the experiment that answers it.
struct Behaviour {
  std::string name;
  std::string question;  ///< in a sentence that "yes" completes well
  Finding (*find_out)(const Target&, const Interruption&);
};

/// All of them, in the order of the matrix. Each starts a server of its own (unless it runs elsewhere).
/// `find_out` throws ServerError when the server can't be started; whatever else goes wrong in it is a
/// finding.
const std::vector<Behaviour>& behaviours();

/// Runs one check. A connection that fails where it should not is a *no* with the failed call as evidence.
Finding find_out(const Behaviour& behaviour, const Target& target, const Interruption& interruption);

/// The rows of the matrix: a server each, with a finding for every behaviour.
struct Row {
  Target target;
  std::vector<Finding> findings;
};

/// What is expected: as servers.csv says for ours, yes everywhere for any other server. "n/a" is never
/// unexpected.
bool is_expected(const Target& target, const Behaviour& behaviour, const Finding& finding);

/// Every finding with what was measured, a line each.
std::string matrix_evidence(const std::vector<Row>& rows);

/// The matrix as a table for people, and as JSON for machines.
std::string matrix_table(const std::vector<Row>& rows, bool colours);
std::string matrix_json(const std::vector<Row>& rows);

// The checks, by the question they ask; behaviours() lists them.
Finding echoes_exactly(const Target& target, const Interruption& interruption);
Finding serves_many(const Target& target, const Interruption& interruption);
Finding replies_out_of_order(const Target& target, const Interruption& interruption);
Finding half_close_complete(const Target& target, const Interruption& interruption);
Finding silent_client_stops_no_one(const Target& target, const Interruption& interruption);
Finding slow_reader_stops_no_one(const Target& target, const Interruption& interruption);
Finding slow_reader_memory_bounded(const Target& target, const Interruption& interruption);
Finding survives_resets(const Target& target, const Interruption& interruption);
Finding survives_fd_exhaustion(const Target& target, const Interruption& interruption);
Finding more_than_1024(const Target& target, const Interruption& interruption);
Finding idle_costs_no_cpu(const Target& target, const Interruption& interruption);
Finding stops_cleanly(const Target& target, const Interruption& interruption);
Finding leaves_no_zombies(const Target& target, const Interruption& interruption);

}  // namespace harness
