#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/harness/judging/behaviours.h"
#include "common/harness/load/arrivals.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/measuring/measurement.h"
#include "common/harness/processes/availability.h"
#include "common/harness/processes/interruption.h"
#include "common/harness/processes/known_servers.h"
#include "common/harness/processes/target.h"

namespace harness {

/// Bad use that shows only after the options are parsed; what() says what was wrong and what is allowed. Exit
/// code 2.
class BadUse : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Which servers a command is about, as the user wrote it.
struct Choice {
  std::vector<std::string> names;    ///< servers of the labs; "all" stands for all of them
  std::string connect;               ///< --connect HOST:PORT; empty: not given
  std::vector<std::string> command;  ///< the words after `--`
};

/// The targets of a choice; without any, all that are `known`, of a kind as in "server". Throws BadUse for an
/// unknown name.
std::vector<Target> choose_targets(const Choice& choice, const std::vector<KnownServer>& known,
                                   const std::string& kind = "server");

/// Those of `targets` that can run on this machine; the others are said on stderr, a line each.
Selection select_runnable(const std::vector<Target>& targets, const Interruption& interruption);

/// A command's exit code: `status`, but what was asked for by its name and left out must not look done. It is
/// net::cannot_run_here then, unless there is worse to report.
int exit_code(int status, const Choice& choice, const Selection& selection);

struct CheckOptions {
  bool json = false;
  std::string save;  ///< empty: nowhere
  std::string only;  ///< names of behaviours, separated by commas; empty: all
};

struct LoadOptions {
  std::int64_t connections = 50;
  std::string active = "100%";
  std::int64_t message_bytes = 14;
  double duration_s = 2;
  double warm_up_s = 0.5;
  std::string rate;        ///< requests a second of an open loop; empty: a closed one
  std::string arrivals;    ///< fixed or poisson; empty: fixed
  std::int64_t tries = 3;  ///< how often at most, while the machine disturbs it
  std::string results = "results";
};

struct CompareOptions {
  std::int64_t connections = 50;  ///< to each server
  std::string active = "100%";
  std::int64_t message_bytes = 14;
  std::string rate;      ///< of the runs for latency; empty: a closed loop
  std::string arrivals;  ///< fixed or poisson; empty: fixed
  std::int64_t rounds = 12;
  double at_most_s = 120;  ///< no round begins that would end later
  std::int64_t seed = 1;
  bool json = false;
  std::string results = "results";
};

struct SweepOptions {
  std::string experiment;
  std::string profile = "quick";
  std::int64_t seed = 1;
  bool resume = false;
  std::string results = "results";
};

struct ExportOptions {
  std::string hdr;  ///< the file for HdrHistogram's log; empty: none
  std::string csv;  ///< the file for a line a request; empty: none
};

// The commands. Each prints its result on stdout and its progress on stderr, and returns the exit code. They
// throw BadUse, ServerError, Interrupted, and std::runtime_error for records that can't be written.
int list_command(const std::vector<KnownServer>& servers, const std::vector<KnownServer>& rooms);
int check_command(const std::vector<Target>& targets, const std::vector<Behaviour>& behaviours,
                  const CheckOptions& options, const Choice& choice, const Interruption& interruption);
int load_command(const Target& target, const LoadOptions& options, const Interruption& interruption);
int compare_command(const Choice& choice, const std::vector<KnownServer>& known,
                    const CompareOptions& options, const Interruption& interruption);
/// Runs plots/diff.py in place of this process: one reader of the records, in one language. Never returns but
/// by an exception.
[[noreturn]] void diff_command(const std::vector<std::string>& folders);
/// The same of plots/export.py; without a folder it is that of `load`.
[[noreturn]] void export_command(const ExportOptions& options, const std::vector<std::string>& folders);
int sweep_command(const Choice& choice, const std::vector<KnownServer>& servers,
                  const std::vector<KnownServer>& rooms, const SweepOptions& options,
                  const Interruption& interruption);

/// How the programs beside the harness were built. Throws BadUse when timings of such a build would be wrong
/// by factors (sanitizers, no optimisation) and look like any other.
Build measurable_build();

/// What goes into the environment file of a record beside the machine's own facts.
RecordFacts facts_of(const Cores& cores, const std::string& profile, std::uint64_t seed,
                     const std::vector<std::string>& left_out);

/// A file's name for the samples of a run: a foreign server's name is a command and may hold anything.
std::string file_name_for(const Run& run);

/// "8" or "5%" of `connections`: how many speak, at least one. Throws BadUse.
std::size_t parse_active(const std::string& text, std::size_t connections);

/// What --rate and --arrivals ask for; none: a closed loop. Throws BadUse.
std::optional<OfferedRate> parse_rate(const std::string& per_s, const std::string& arrivals);

/// Raises the limit of descriptors as far as it goes. Throws BadUse with the cure if so many connections to
/// each of so many servers are more than it allows.
void require_descriptors(std::size_t connections, std::size_t servers = 1);

}  // namespace harness
