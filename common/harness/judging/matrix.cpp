#include "common/harness/judging/matrix.h"

#include <fmt/color.h>
#include <fmt/format.h>

#include <algorithm>

#include "common/harness/records/json.h"
#include "common/terminal/folded.h"

namespace harness {

std::string word(Answer answer) {
  switch (answer) {
    case Answer::yes:
      return "yes";
    case Answer::no:
      return "no";
    case Answer::not_applicable:
      break;
  }
  return "n/a";
}

bool is_expected(const Target& target, const Behaviour& behaviour, const Finding& finding) {
  if (finding.answer == Answer::not_applicable) return true;
  bool expected = true;
  if (target.known) {
    const auto cell = target.known->expected.find(behaviour.name);
    if (cell != target.known->expected.end()) expected = cell->second;
  }
  return (finding.answer == Answer::yes) == expected;
}

std::size_t count_unexpected(const std::vector<Row>& rows) {
  std::size_t unexpected = 0;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.findings.size(); ++i)
      unexpected += is_expected(row.target, *row.asked[i], row.findings[i]) ? 0 : 1;
  }
  return unexpected;
}

namespace {

// Green for yes, yellow for a no that is known, red for what is not as expected.
std::string painted(const std::string& text, bool expected, Answer answer, bool colours) {
  if (!colours || answer == Answer::not_applicable) return text;
  auto colour = fmt::terminal_color::yellow;
  if (!expected) {
    colour = fmt::terminal_color::red;
  } else if (answer == Answer::yes) {
    colour = fmt::terminal_color::green;
  }
  return fmt::format(fmt::fg(colour), "{}", text);
}

// How many of the servers from `begin` on fit beside the names of the behaviours: one at least.
std::size_t count_fitting(const std::vector<Row>& rows, std::size_t begin, std::size_t names,
                          std::size_t columns) {
  std::size_t end = begin;
  for (std::size_t width = names; end < rows.size(); ++end) {
    width += 2 + rows[end].target.name.size();
    if (width > columns && end > begin) break;
  }
  return end - begin;
}

}  // namespace

std::string matrix_table(const std::vector<Row>& rows, bool colours, std::size_t columns) {
  if (rows.empty()) return "";
  const std::vector<const Behaviour*>& asked = rows.front().asked;
  std::size_t names = 0;
  for (const Behaviour* behaviour : asked) names = std::max(names, behaviour->name.size());
  std::string table;
  for (std::size_t begin = 0; begin < rows.size();) {
    const std::size_t end = begin + count_fitting(rows, begin, names, columns);
    table += fmt::format("{}{:{}}", begin > 0 ? "\n" : "", "", names);
    for (std::size_t r = begin; r < end; ++r) table += fmt::format("  {}", rows[r].target.name);
    table += "\n";
    for (std::size_t b = 0; b < asked.size(); ++b) {
      table += fmt::format("{:{}}", asked[b]->name, names);
      for (std::size_t r = begin; r < end; ++r) {
        const Finding& finding = rows[r].findings[b];
        const bool expected = is_expected(rows[r].target, *asked[b], finding);
        const std::string text =
            fmt::format("{:<{}}", word(finding.answer) + (expected ? "" : "!"), rows[r].target.name.size());
        table += "  " + painted(text, expected, finding.answer, colours);
      }
      table += "\n";
    }
    begin = end;
  }
  return table;
}

std::string matrix_evidence(const std::vector<Row>& rows) {
  constexpr std::size_t indent = 7;  // of the behaviour's name, and of what goes on below it
  std::size_t names = 27;            // whichever are asked, columns stand where they stand
  for (const Row& row : rows) {
    for (const Behaviour* behaviour : row.asked) names = std::max(names, behaviour->name.size());
  }
  std::string text;
  for (const Row& row : rows) {
    text += row.target.name + "\n";
    for (std::size_t b = 0; b < row.findings.size(); ++b) {
      const Finding& finding = row.findings[b];
      text += fmt::format("  {:<3}  {:<{}} {}\n", word(finding.answer), row.asked[b]->name, names,
                          terminal::folded(finding.evidence, indent + names + 1, std::string(indent, ' ')));
      if (!finding.often_the_cause.empty()) {
        text += fmt::format("{:{}}{}\n", "", indent,
                            terminal::folded("often the cause: " + finding.often_the_cause, indent,
                                             std::string(indent, ' ')));
      }
    }
  }
  return text;
}

std::string matrix_json(const std::vector<Row>& rows) {
  JsonObject json;
  std::vector<JsonObject> servers;
  for (const Row& row : rows) {
    JsonObject server;
    server.text("server", row.target.name);
    std::vector<JsonObject> cells;
    for (std::size_t b = 0; b < row.findings.size(); ++b) {
      const Finding& finding = row.findings[b];
      JsonObject cell;
      cell.text("behaviour", row.asked[b]->name);
      cell.text("answer", word(finding.answer));
      cell.boolean("as_expected", is_expected(row.target, *row.asked[b], finding));
      cell.text("evidence", finding.evidence);
      cell.text("often_the_cause", finding.often_the_cause);
      cells.push_back(std::move(cell));
    }
    server.objects("findings", cells);
    servers.push_back(std::move(server));
  }
  json.objects("servers", servers);
  return json.dump();
}

}  // namespace harness
