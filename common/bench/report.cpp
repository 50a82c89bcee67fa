#include "common/bench/report.h"

#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>

#include "common/harness/records/records.h"

namespace bench {

namespace {

std::string number(double value, const std::string& unit) {
  return unit == "ratio" || unit == "calls" ? fmt::format("{:.3f}", value) : fmt::format("{:.1f}", value);
}

std::string table_row(const Figure& figure) {
  if (figure.samples.empty()) return fmt::format("{:<62} {}\n", figure.name, figure.note);
  const Summary summary = summarize(figure.samples);
  const auto text = [&figure](double value) { return number(value, figure.unit); };
  std::string row = fmt::format("{:<62} {:>7} {:<5}  {:>6} – {:<6}  {:>6} – {:<6} {:>4}   {:<7} {}",
                                figure.name, text(summary.median), figure.unit == "us" ? "µs" : figure.unit,
                                text(summary.lower_quartile), text(summary.upper_quartile),
                                text(summary.lowest), text(summary.highest), figure.samples.size(),
                                figure.goal ? figure.goal->to_string() : "", verdict(figure));
  row.erase(row.find_last_not_of(' ') + 1);
  return row + (figure.note.empty() ? "\n" : fmt::format("\n    ({})\n", figure.note));
}

// Names and notes are ours: they hold commas, never quotes (RFC 4180).
std::string quoted(const std::string& text) { return '"' + text + '"'; }

std::string summaries_csv(const std::vector<Figure>& figures) {
  std::string text =
      "figure,unit,samples,median,lower_quartile,upper_quartile,lowest,highest,goal,verdict,note\n";
  for (const Figure& figure : figures) {
    const std::string goal = figure.goal ? figure.goal->to_string() : "";
    std::string values = ",,,,";
    if (!figure.samples.empty()) {
      const Summary s = summarize(figure.samples);
      values = fmt::format("{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}", s.median, s.lower_quartile, s.upper_quartile,
                           s.lowest, s.highest);
    }
    text += fmt::format("{},{},{},{},{},{},{}\n", quoted(figure.name), figure.unit, figure.samples.size(),
                        values, goal, verdict(figure), quoted(figure.note));
  }
  return text;
}

std::string samples_csv(const std::vector<Figure>& figures) {
  const auto cell = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.6g}", *value) : std::string();
  };
  std::string text = "figure,unit,repetition,value,subject_requests_per_s,base_requests_per_s\n";
  for (const Figure& figure : figures) {
    for (std::size_t i = 0; i < figure.samples.size(); ++i) {
      const Sample& sample = figure.samples[i];
      text += fmt::format("{},{},{},{:.6g},{},{}\n", quoted(figure.name), figure.unit, i + 1, sample.value,
                          cell(sample.subject), cell(sample.base));
    }
  }
  return text;
}

}  // namespace

std::string table(const std::vector<Figure>& figures) {
  std::string text = fmt::format("{:<62} {:>7} {:<5}  {:^15}  {:^15} {:>4}   {}\n", "", "median", "",
                                 "middle half", "range", "n", "goal");
  for (const Figure& figure : figures) text += table_row(figure);
  return text;
}

void write_records(const std::string& folder, const std::vector<Figure>& figures,
                   const std::string& environment) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw std::runtime_error(fmt::format("can't make the folder {}: {}", folder, error.message()));
  harness::write_atomically(folder + "/environment.json", environment);
  harness::write_atomically(folder + "/samples.csv", samples_csv(figures));
  harness::write_atomically(folder + "/bench.csv", summaries_csv(figures));
}

}  // namespace bench
