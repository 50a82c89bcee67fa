#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/harness/processes/process_usage.h"
#include "common/net/file_descriptor.h"

namespace harness {

/// What each request costs a server of the labs beside its bytes (common/net/request_work.h).
struct RequestCost {
  std::size_t work_us = 0;
  std::size_t wait_us = 0;
  /// Server and generator both use all cores instead of one each: on a single core, computing can't be shared
  /// out.
  bool on_all_cores = false;
};

/// What an open loop tells beside the figures of any load. Latencies of the run itself are corrected: from
/// the intended send time; these are not: from the real one. A request that was not answered counts in both,
/// at the run's bound.
struct OpenLoopFigures {
  std::string arrivals;
  double offered_per_s = 0;
  double achieved_per_s = 0;
  std::optional<double> lateness_p99_us;  ///< of the generator itself
  std::optional<double> uncorrected_p50_us, uncorrected_p90_us, uncorrected_p99_us, uncorrected_p999_us;
  std::uint64_t not_answered = 0;
};

/// What an experiment of one speaker and many listeners tells beside the figures of an open loop, in which a
/// request is a delivery to one who reads. Times are from the intended send, the median over all lines; a
/// line that did not reach somebody counts at the run's bound.
struct FanOutFigures {
  double first_us = 0, median_us = 0, last_us = 0;  ///< to the first, the median, the last listener
  /// What those who didn't read have found when they did, all together. A line that is neither whole nor told
  /// of is untold; who was told that he is cut off has been told of all.
  std::uint64_t silent_whole = 0, silent_torn = 0, silent_told = 0, silent_untold = 0, silent_cut_off = 0;
  std::optional<std::int64_t> growth_bytes = std::nullopt;  ///< of the resident memory, before they read
};

/// One repetition of one point: a row of runs.csv. An empty optional is an empty cell: not measured.
struct Run {
  std::string experiment;
  std::string server;
  std::size_t connections = 0;
  std::size_t active = 0;
  std::size_t message_bytes = 0;
  RequestCost cost = {};
  /// The offered rate as a share of the capacity, where it was chosen so. None: it wasn't.
  std::optional<int> capacity_percent = std::nullopt;
  std::string loop = "closed";  ///< or "open"
  int repetition = 1;
  double duration_s = 0;
  std::string invalid_reason;  ///< empty: the figures are valid
  /// Of the active clients those that still lived when the measured span began; the others don't speak in it.
  std::optional<std::uint64_t> speaking;
  std::optional<std::uint64_t> requests;
  /// A percentile that too few requests stand behind is none.
  std::optional<double> requests_per_s, p50_us, p90_us, p99_us, p999_us, max_us;
  std::optional<double>
      capacity_per_s;  ///< what a closed loop reached just before; `capacity_percent` is of it
  std::optional<OpenLoopFigures> open_loop;                          ///< none: a closed loop
  std::optional<FanOutFigures> fan_out;                              ///< none: each speaks for himself
  std::uint64_t errors = 0, timeouts = 0, refused = 0, corrupt = 0;  ///< clients, each counted once
  std::optional<double> server_cpu_us_per_request, server_cpu_share;
  std::optional<std::int64_t> server_voluntary_switches, server_involuntary_switches;
  std::optional<double> server_system_calls_per_request;  ///< counted in a run of its own
  std::optional<double> generator_cpu_share, generator_run_delay_share, steal_share;
  std::optional<double> foreign_share, clock_drift_ppm;
  std::optional<MemoryUsage> memory;
  std::optional<std::int64_t> socket_bytes, slab_both_ends_bytes;
  std::string samples_file;  ///< relative to the experiment's folder

  /// Clients that it was asked to keep, and that it lost or gave wrong bytes.
  std::uint64_t lost() const { return errors + timeouts + refused + corrupt; }
};

/// Such as "refused 1983, timeouts 3": the kinds of loss that happened.
std::string losses_of(const Run& run);

/// Writes a file so that a reader sees the old contents or the new, never a part: a temporary file beside it,
/// synced, then renamed over it. Throws std::runtime_error that names the file and the reason (a full disk,
/// no permission).
void write_atomically(const std::string& path, std::span<const char> contents);

/// Finds out now whether write_atomically could write the file, and makes the folder that it lies in: before
/// long work, rather than after it. Throws as both.
void require_writable(const std::string& path);

/// Makes a folder, and those above it, unless it is there. Throws std::runtime_error that names it and the
/// reason.
void make_folder(const std::string& path);

/// The records of one experiment: the folder RESULTS/EXPERIMENT with runs.csv, environment.json and samples/.
/// Only one such object at a time writes below RESULTS: two sweeps at once would also disturb each other's
/// figures.
class Records {
 public:
  /// Starts anew: finished runs that are there already are kept as EXPERIMENT.previous. Throws
  /// std::runtime_error when the folder can't be made or written.
  static Records start(const std::string& results, const std::string& experiment,
                       const std::string& environment);

  /// Goes on from what is there. Throws std::runtime_error when there is nothing, or when it was made with
  /// another profile, seed or build, by the name of the field that differs.
  static Records resume(const std::string& results, const std::string& experiment,
                        const std::string& environment);

  /// True if this repetition of this point is recorded already.
  bool has(const Run& run) const;

  /// Adds a row; runs.csv on disk then holds it.
  void add(const Run& run);

  /// Writes latencies as little-endian 32-bit numbers, nanoseconds, in the order in which they were measured,
  /// to samples/NAME.u32. Returns the path relative to the folder.
  std::string add_samples(const std::string& name, std::span<const std::uint32_t> latency_ns) const;

  /// Writes a text file into samples/. Returns the path relative to the folder.
  std::string add_text(const std::string& name, const std::string& contents) const;

  const std::string& folder() const { return folder_; }
  std::size_t size() const { return rows_.size(); }

 private:
  Records(const std::string& results, const std::string& experiment);
  void write_rows() const;

  std::string folder_;
  std::vector<std::string> rows_;
  net::FileDescriptor lock_;  // on the results folder, as long as this object lives
};

}  // namespace harness
