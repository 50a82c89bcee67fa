#include "common/harness/records/records.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "common/harness/records/json.h"
#include "common/net/file_descriptor.h"
#include "common/net/system_error.h"

namespace harness {

namespace fs = std::filesystem;

namespace {

// A row begins with what identifies it; see key_of.
constexpr const char* header =
    "experiment,server,connections,active,message_bytes,work_us,wait_us,all_cores,capacity_percent,loop,"
    "repetition,duration_s,"
    "valid,invalid_reason,"
    "speaking,requests,"
    "requests_per_s,p50_us,p90_us,p99_us,p999_us,max_us,"
    "capacity_per_s,arrivals,offered_per_s,achieved_per_s,lateness_p99_us,"
    "uncorrected_p50_us,uncorrected_p90_us,uncorrected_p99_us,uncorrected_p999_us,not_answered,"
    "first_us,median_us,last_us,silent_whole,silent_torn,silent_told,silent_untold,silent_cut_off,growth_"
    "bytes,"
    "errors,timeouts,refused,corrupt,server_cpu_us_per_"
    "request,"
    "server_cpu_share,server_voluntary_switches,server_involuntary_switches,server_system_calls_per_request,"
    "generator_cpu_share,"
    "generator_run_delay_share,steal_share,foreign_share,clock_drift_ppm,virtual_bytes,rss_bytes,pss_bytes,"
    "page_table_bytes,kernel_stack_"
    "bytes,"
    "socket_bytes,slab_both_ends_bytes,threads,samples_file";

// Quoted where CSV needs it (RFC 4180): a foreign server's name may hold anything.
std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c == '\n' || c == '\r' ? ' ' : c);
  return quoted + "\"";
}

template <typename Number>
std::string cell(const std::optional<Number>& number) {
  if (!number) return "";
  if constexpr (std::is_floating_point_v<Number>) return fmt::format("{:.6g}", *number);
  return fmt::format("{}", *number);
}

std::string cell(double number) { return fmt::format("{:.4g}", number); }

std::string cell(std::uint64_t number) { return fmt::format("{}", number); }

std::string key_of(const Run& run) {
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{},", cell(run.experiment), cell(run.server),
                     run.connections, run.active, run.message_bytes, run.cost.work_us, run.cost.wait_us,
                     run.cost.on_all_cores ? "yes" : "no", cell(run.capacity_percent), run.loop,
                     run.repetition);
}

std::vector<std::string> open_loop_cells(const std::optional<OpenLoopFigures>& figures) {
  if (!figures) return std::vector<std::string>(9);
  std::vector<std::string> cells{figures->arrivals};
  for (const auto& value :
       {std::optional(figures->offered_per_s), std::optional(figures->achieved_per_s),
        figures->lateness_p99_us, figures->uncorrected_p50_us, figures->uncorrected_p90_us,
        figures->uncorrected_p99_us, figures->uncorrected_p999_us}) {
    cells.push_back(cell(value));
  }
  cells.push_back(cell(figures->not_answered));
  return cells;
}

std::vector<std::string> fan_out_cells(const std::optional<FanOutFigures>& figures) {
  if (!figures) return std::vector<std::string>(9);
  std::vector<std::string> cells;
  for (const double value : {figures->first_us, figures->median_us, figures->last_us})
    cells.push_back(cell(std::optional(value)));
  for (const std::uint64_t count : {figures->silent_whole, figures->silent_torn, figures->silent_told,
                                    figures->silent_untold, figures->silent_cut_off}) {
    cells.push_back(cell(count));
  }
  cells.push_back(cell(figures->growth_bytes));
  return cells;
}

std::string row_of(const Run& run) {
  std::vector<std::string> cells{cell(run.duration_s), run.invalid_reason.empty() ? "yes" : "no",
                                 cell(run.invalid_reason), cell(run.speaking), cell(run.requests)};
  for (const auto& value : {run.requests_per_s, run.p50_us, run.p90_us, run.p99_us, run.p999_us, run.max_us,
                            run.capacity_per_s}) {
    cells.push_back(cell(value));
  }
  for (const auto& some : {open_loop_cells(run.open_loop), fan_out_cells(run.fan_out)})
    cells.insert(cells.end(), some.begin(), some.end());
  for (const auto count : {run.errors, run.timeouts, run.refused, run.corrupt}) cells.push_back(cell(count));
  for (const auto& value : {run.server_cpu_us_per_request, run.server_cpu_share})
    cells.push_back(cell(value));
  for (const auto& count : {run.server_voluntary_switches, run.server_involuntary_switches})
    cells.push_back(cell(count));
  cells.push_back(cell(run.server_system_calls_per_request));
  for (const auto& share : {run.generator_cpu_share, run.generator_run_delay_share, run.steal_share,
                            run.foreign_share, run.clock_drift_ppm}) {
    cells.push_back(cell(share));
  }
  const auto part = [&run](std::int64_t MemoryUsage::*member) {
    return run.memory ? std::optional((*run.memory).*member) : std::nullopt;
  };
  for (const auto& bytes : {part(&MemoryUsage::virtual_bytes), part(&MemoryUsage::resident_bytes),
                            part(&MemoryUsage::proportional_bytes), part(&MemoryUsage::page_table_bytes),
                            part(&MemoryUsage::kernel_stack_bytes), run.socket_bytes,
                            run.slab_both_ends_bytes, part(&MemoryUsage::threads)}) {
    cells.push_back(cell(bytes));
  }
  cells.push_back(cell(run.samples_file));
  std::string row = key_of(run);
  for (const std::string& text : cells) row += (&text == &cells.front() ? "" : ",") + text;
  return row;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::ptrdiff_t count_lines(const std::string& path) {
  const std::string text = read_file(path);
  return std::count(text.begin(), text.end(), '\n');
}

}  // namespace

std::string losses_of(const Run& run) {
  std::string losses;
  for (const auto& [kind, count] : {std::pair("errors", run.errors), std::pair("timeouts", run.timeouts),
                                    std::pair("refused", run.refused), std::pair("corrupt", run.corrupt)}) {
    if (count > 0) losses += fmt::format("{}{} {}", losses.empty() ? "" : ", ", kind, count);
  }
  return losses;
}

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw std::runtime_error(fmt::format("can't make the folder {}: {}", path, error.message()));
}

void write_atomically(const std::string& path, std::span<const char> contents) {
  const std::string temporary = path + ".new";
  const auto fail = [&path, &temporary] {
    const std::string reason = std::strerror(errno);
    unlink(temporary.c_str());
    throw std::runtime_error(fmt::format("can't write {}: {}", path, reason));
  };
  net::FileDescriptor file{open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!file) fail();
  while (!contents.empty()) {
    const ssize_t written = write(file.fd(), contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail();
    contents = contents.subspan(static_cast<std::size_t>(written));
  }
  // Synced before the rename: otherwise a crash may leave the new name with the old nothing (rename(2),
  // fsync(2)).
  if (fsync(file.fd()) < 0) fail();
  file.close();
  if (rename(temporary.c_str(), path.c_str()) < 0) fail();
}

void require_writable(const std::string& path) {
  const fs::path file = fs::absolute(path);
  make_folder(file.parent_path());
  if (fs::is_directory(file)) throw std::runtime_error(fmt::format("can't write {}: it is a folder", path));
  const std::string temporary = path + ".new";
  const net::FileDescriptor trial{open(temporary.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)};
  if (!trial) throw std::runtime_error(fmt::format("can't write {}: {}", path, std::strerror(errno)));
  unlink(temporary.c_str());
}

Records::Records(const std::string& results, const std::string& experiment)
    : folder_(results + "/" + experiment) {
  lock_ = net::FileDescriptor{open(results.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!lock_) throw net::SystemError("open", results);
  if (flock(lock_.fd(), LOCK_EX | LOCK_NB) < 0) {
    throw std::runtime_error(fmt::format(
        "another sweep or load is writing to {}: wait for it, or give --results another folder", results));
  }
}

Records Records::start(const std::string& results, const std::string& experiment,
                       const std::string& environment) {
  make_folder(results);
  Records records(results, experiment);
  std::error_code error;
  if (fs::exists(records.folder_)) {
    // One without a finished run is not worth keeping, and must not push out one that has some.
    const bool worth_keeping = count_lines(records.folder_ + "/runs.csv") > 1;
    fs::remove_all(worth_keeping ? records.folder_ + ".previous" : records.folder_, error);
    if (worth_keeping) fs::rename(records.folder_, records.folder_ + ".previous", error);
    if (error)
      throw std::runtime_error(fmt::format("can't set {} aside: {}", records.folder_, error.message()));
  }
  make_folder(records.folder_ + "/samples");
  write_atomically(records.folder_ + "/environment.json", environment);
  records.write_rows();
  return records;
}

Records Records::resume(const std::string& results, const std::string& experiment,
                        const std::string& environment) {
  const std::string folder = results + "/" + experiment;
  if (!fs::exists(folder)) {
    throw std::runtime_error(fmt::format("nothing to resume in {}: start without --resume", folder));
  }
  Records records(results, experiment);
  const auto before = parse_flat_json(read_file(records.folder_ + "/environment.json"));
  const auto now = parse_flat_json(environment);
  if (!before || !now) {
    throw std::runtime_error(fmt::format("nothing to resume in {}: start without --resume", records.folder_));
  }
  for (const std::string field : {"profile", "seed", "compiler", "flags", "commit", "kernel", "cpu"}) {
    const auto then = before->find(field);
    if (then != before->end() && then->second != now->at(field)) {
      throw std::runtime_error(
          fmt::format("can't resume {}: its {} is '{}', not '{}'; start without --resume", records.folder_,
                      field, then->second, now->at(field)));
    }
  }
  std::ifstream file(records.folder_ + "/runs.csv");
  std::string line;
  if (!std::getline(file, line) || line != header) {
    throw std::runtime_error(fmt::format("can't resume {}: runs.csv has other columns", records.folder_));
  }
  while (std::getline(file, line)) records.rows_.push_back(line);
  return records;
}

bool Records::has(const Run& run) const {
  const std::string key = key_of(run);
  return std::any_of(rows_.begin(), rows_.end(),
                     [&key](const std::string& row) { return row.starts_with(key); });
}

void Records::add(const Run& run) {
  rows_.push_back(row_of(run));
  write_rows();
}

std::string Records::add_samples(const std::string& name, std::span<const std::uint32_t> latency_ns) const {
  static_assert(std::endian::native == std::endian::little, "samples are written as they lie in memory");
  std::string relative = "samples/" + name + ".u32";
  write_atomically(folder_ + "/" + relative,
                   {reinterpret_cast<const char*>(latency_ns.data()), latency_ns.size_bytes()});
  return relative;
}

std::string Records::add_text(const std::string& name, const std::string& contents) const {
  write_atomically(folder_ + "/samples/" + name, contents);
  return "samples/" + name;
}

void Records::write_rows() const {
  std::string text = std::string(header) + "\n";
  for (const std::string& row : rows_) text += row + "\n";
  write_atomically(folder_ + "/runs.csv", text);
}

}  // namespace harness
