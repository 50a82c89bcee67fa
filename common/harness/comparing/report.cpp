#include "common/harness/comparing/report.h"

#include <fmt/format.h>

#include "common/terminal/folded.h"

namespace harness {

namespace {

struct Column {
  std::string name;  // as in runs.csv
  std::string heading;
  Quantity quantity;
  Tally Tallies::*tally;
};

const std::vector<Column>& columns() {
  static const std::vector<Column> all{
      {"server_cpu_us_per_request",
       "CPU of the server a request (one core, in turns)",
       {.name = "CPU", .verb = "needs"},
       &Tallies::cpu},
      {"p50_us", "latency, p50 (two cores)", {.name = "median latency", .verb = "has"}, &Tallies::p50},
      {"p99_us", "latency, p99 (two cores)", {.name = "p99 latency", .verb = "has"}, &Tallies::p99}};
  return all;
}

std::string sentence(const Column& column, const Compared& compared, const Tally& tally, std::size_t who) {
  const auto same = tally.ratios(Compared::base_again, Compared::base);
  if (who == Compared::base_again) return in_words(column.quantity, same);
  return in_words(column.quantity, compared.names[who], compared.names[Compared::base],
                  tally.ratios(who, Compared::base), same);
}

// Who is spoken of: of the base again only if there is nobody else.
std::vector<std::size_t> others(const Compared& compared) {
  std::vector<std::size_t> indices;
  for (std::size_t i = Compared::first_other; i < compared.names.size(); ++i) indices.push_back(i);
  if (indices.empty()) indices.push_back(Compared::base_again);
  return indices;
}

std::string table_row(const Compared& compared, const Tally& tally, std::size_t who) {
  const auto own = tally.median_of(who);
  // A long name has a line of its own: what would be cut off may be in what two servers differ.
  constexpr std::size_t name_columns = 27;
  std::string name = compared.names[who];
  if (name.size() > name_columns) name += fmt::format("\n{:{}}", "", name_columns + 2);
  std::string row = fmt::format("  {:<{}}{:>10}", name, name_columns,
                                own ? fmt::format("{:.{}f} µs", *own, *own < 100 ? 2 : 0) : "–");
  const auto ratios = tally.ratios(who, Compared::base);
  if (who != Compared::base && !ratios.empty()) {
    const MedianInterval interval = median_interval(ratios);
    row += fmt::format("{:>7}", ratio_text(interval.median));
    row += fmt::format("   {:<15}",
                       ratios.size() < fewest_values
                           ? "too few"
                           : fmt::format("{} to {}", ratio_text(interval.low), ratio_text(interval.high)));
    row += fmt::format("n {:<3}{}", ratios.size(), who == Compared::base_again ? " A/A" : "");
  }
  return row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
}

// Empty where there is nothing to show.
std::string table(const Compared& compared, const Tally& tally) {
  if (!tally.median_of(Compared::base)) return "";
  std::string rows = fmt::format("{:39}ratio   95 % interval\n", "");
  for (std::size_t i = 0; i < compared.names.size(); ++i) rows += table_row(compared, tally, i);
  return rows;
}

std::string folded_line(const std::string& text) { return "  " + terminal::folded(text, 2, "  ") + "\n"; }

}  // namespace

std::string comparison_text(const Compared& compared, const Tallies& tallies) {
  std::string text;
  for (const Column& column : columns()) {
    const Tally& tally = tallies.*column.tally;
    const std::string rows = table(compared, tally);
    text += column.heading + "\n" + rows;
    if (const std::string rejected = tally.rejected(); !rejected.empty()) text += folded_line(rejected);
    if (rows.empty())
      text += folded_line(fmt::format("nothing can be told of the {} here", column.quantity.name));
    for (const std::size_t i : others(compared)) {
      if (!rows.empty()) text += folded_line(sentence(column, compared, tally, i));
    }
    text += "\n";
  }
  return text;
}

std::vector<JsonObject> comparison_json(const Compared& compared, const Tallies& tallies) {
  std::vector<JsonObject> ratios;
  for (const Column& column : columns()) {
    const Tally& tally = tallies.*column.tally;
    for (std::size_t i = Compared::base_again; i < compared.names.size(); ++i) {
      const auto values = tally.ratios(i, Compared::base);
      JsonObject json;
      json.text("quantity", column.name);
      json.text("subject", compared.names[i]);
      json.text("base", compared.names[Compared::base]);
      json.boolean("same_server", i == Compared::base_again);
      json.number("n", static_cast<std::int64_t>(values.size()));
      if (!values.empty()) {
        const MedianInterval interval = median_interval(values);
        json.decimal("ratio", interval.median);
        json.decimal("low", interval.low);
        json.decimal("high", interval.high);
        json.decimal("confidence", interval.confidence);
      }
      json.text("sentence", sentence(column, compared, tally, i));
      json.text("rejected", tally.rejected());
      ratios.push_back(std::move(json));
    }
  }
  return ratios;
}

}  // namespace harness
