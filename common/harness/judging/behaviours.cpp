#include "common/harness/judging/behaviours.h"

#include <fmt/color.h>
#include <fmt/format.h>

#include <algorithm>

#include "common/harness/records/json.h"
#include "common/net/system_error.h"

namespace harness {

const std::vector<Behaviour>& behaviours() {
  static const std::vector<Behaviour> all{
      {"echoes-exactly", "every byte comes back, in order", echoes_exactly},
      {"serves-many", "64 clients that all speak are all answered", serves_many},
      {"replies-out-of-order", "who speaks first is answered first, whoever connected first",
       replies_out_of_order},
      {"silent-client-stops-no-one", "others are answered beside a client that says nothing",
       silent_client_stops_no_one},
      {"slow-reader-stops-no-one", "others are answered beside a client that reads nothing",
       slow_reader_stops_no_one},
      {"slow-reader-memory-bounded", "a client that reads nothing can't fill the server's memory",
       slow_reader_memory_bounded},
      {"half-close-complete", "a client that has ended its own direction still gets the rest",
       half_close_complete},
      {"survives-resets", "connections that are reset end nothing but themselves", survives_resets},
      {"survives-fd-exhaustion", "out of descriptors it neither ends nor spins, and recovers",
       survives_fd_exhaustion},
      {"more-than-1024", "1100 clients at once are all answered", more_than_1024},
      {"idle-costs-no-cpu", "idle clients cost no computing time", idle_costs_no_cpu},
      {"stops-cleanly", "SIGTERM and SIGINT end it at once, exit 0, nothing left behind", stops_cleanly},
      {"leaves-no-zombies", "no ended child process stays behind", leaves_no_zombies},
  };
  return all;
}

Finding find_out(const Behaviour& behaviour, const Target& target, const Interruption& interruption) {
  try {
    return behaviour.find_out(target, interruption);
  } catch (const net::SystemError& error) {
    // Of the checks' own making are only too few descriptors; everything else the server did.
    if (error.error_number() == EMFILE) {
      return {Answer::not_applicable, fmt::format("{}: raise the limit with 'ulimit -n'", error.what())};
    }
    return {Answer::no, error.what()};
  }
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

namespace {

std::string word(Answer answer) {
  return answer == Answer::yes ? "yes" : answer == Answer::no ? "no" : "n/a";
}

// Green for yes, yellow for a no that is known, red for what is not as expected.
std::string painted(const std::string& text, bool expected, Answer answer, bool colours) {
  if (!colours || answer == Answer::not_applicable) return text;
  const auto colour = !expected               ? fmt::terminal_color::red
                      : answer == Answer::yes ? fmt::terminal_color::green
                                              : fmt::terminal_color::yellow;
  return fmt::format(fmt::fg(colour), "{}", text);
}

}  // namespace

std::string matrix_table(const std::vector<Row>& rows, bool colours) {
  // Written with the servers across: thirteen long names don't fit across a terminal, five servers do.
  std::size_t first = 0;
  for (const Behaviour& behaviour : behaviours()) first = std::max(first, behaviour.name.size());
  std::string table = fmt::format("{:{}}", "", first);
  for (const Row& row : rows) table += fmt::format("  {}", row.target.name);
  table += "\n";
  for (std::size_t b = 0; b < behaviours().size(); ++b) {
    table += fmt::format("{:{}}", behaviours()[b].name, first);
    for (const Row& row : rows) {
      const Finding& finding = row.findings[b];
      const bool expected = is_expected(row.target, behaviours()[b], finding);
      const std::string text =
          fmt::format("{:<{}}", word(finding.answer) + (expected ? "" : "!"), row.target.name.size());
      table += "  " + painted(text, expected, finding.answer, colours);
    }
    table += "\n";
  }
  return table;
}

std::string matrix_evidence(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) {
    text += row.target.name + "\n";
    for (std::size_t b = 0; b < row.findings.size(); ++b) {
      text += fmt::format("  {:<3}  {:<27} {}\n", word(row.findings[b].answer), behaviours()[b].name,
                          row.findings[b].evidence);
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
      JsonObject cell;
      cell.text("behaviour", behaviours()[b].name);
      cell.text("answer", word(row.findings[b].answer));
      cell.boolean("as_expected", is_expected(row.target, behaviours()[b], row.findings[b]));
      cell.text("evidence", row.findings[b].evidence);
      cells.push_back(std::move(cell));
    }
    server.objects("findings", cells);
    servers.push_back(std::move(server));
  }
  json.objects("servers", servers);
  return json.dump();
}

}  // namespace harness
