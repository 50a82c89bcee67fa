#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace harness {

/// How the programs were built (build.json beside the harness).
struct Build {
  std::string compiler;
  std::string flags;
  std::string sanitize;
  std::string commit;
  std::string source;       ///< the folder of the sources; it goes into no record
  bool measurable = false;  ///< optimised and without sanitizers: its timings mean something
};

/// Throws std::runtime_error when the file is missing or broken.
Build read_build(const std::string& path);

/// Facts that belong to one set of records beside those of the machine.
struct RecordFacts {
  std::string profile;
  std::uint64_t seed = 0;
  std::vector<std::string> left_out;  ///< "SERVER: why", for servers that can't take part by their nature
  std::map<std::string, std::string> cores;  ///< "server" and "generator": where they were pinned
};

/// The environment of a record as JSON: kernel, CPU, cores, clock, limits, TCP settings, congestion control,
/// compiler, flags, commit, load average, time. What can't be read is "unknown".
std::string environment_json(const Build& build, const RecordFacts& facts);

/// Raises this process's soft limit of open descriptors to its hard one; servers started later inherit it.
/// Returns the limit then in force.
std::uint64_t raise_descriptor_limit();

/// The cores that the calling thread may run on, ascending (fewer than the machine has under taskset).
std::vector<int> usable_cores();

/// Lets the calling thread run on one core only. Throws net::SystemError.
void pin_to_core(int core);

/// Lets the calling thread, and what it starts meanwhile, run on these cores as long as this object lives;
/// then it goes back to those that it had.
class OnCores {
 public:
  /// Throws net::SystemError.
  explicit OnCores(const std::vector<int>& cores);
  OnCores(const OnCores&) = delete;
  OnCores& operator=(const OnCores&) = delete;
  ~OnCores();

 private:
  std::vector<int> before_;
};

}  // namespace harness
