#include "common/harness/records/records.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/testing/temporary_folder.h"

namespace fs = std::filesystem;
using harness::Records;
using harness::Run;
using testing::TemporaryFolder;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// RFC 4180, as a reader of the records takes it.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows{{""}};
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      rows.back().back() += text[i++];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      rows.back().emplace_back();
    } else if (!quoted && c == '\n') {
      rows.push_back({""});
    } else {
      rows.back().back() += c;
    }
  }
  rows.pop_back();  // behind the last line break
  return rows;
}

// The last row of an experiment's runs.csv, by column.
std::map<std::string, std::string> last_row(const Records& records) {
  const auto rows = parse_csv(read_file(records.folder() + "/runs.csv"));
  REQUIRE(rows.size() == records.size() + 1);
  REQUIRE(rows.back().size() == rows.front().size());
  std::map<std::string, std::string> cells;
  for (std::size_t i = 0; i < rows.front().size(); ++i) cells[rows.front()[i]] = rows.back()[i];
  REQUIRE(cells.size() == rows.front().size());  // no two columns of one name
  return cells;
}

Run run_of(const std::string& server, std::size_t connections, int repetition) {
  Run run;
  run.experiment = "test";
  run.server = server;
  run.connections = connections;
  run.active = 8;
  run.message_bytes = 14;
  run.repetition = repetition;
  return run;
}

std::string environment(const std::string& changed = "", const std::string& value = "") {
  std::map<std::string, std::string> fields{{"profile", "quick"}, {"seed", "1"},        {"compiler", "c++ 1"},
                                            {"flags", "-O2"},     {"commit", "abc"},    {"kernel", "Linux 6"},
                                            {"cpu", "a CPU"},     {"load_average", "0"}};
  if (!changed.empty()) fields[changed] = value;
  std::string json;
  for (const auto& [key, text] : fields)
    json += fmt::format(R"({}"{}": "{}")", json.empty() ? "{" : ", ", key, text);
  return json + "}\n";
}
// What the action throws, as text; empty if nothing.
template <typename Action>
std::string complaint_of(const Action& action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a row holds every figure in its column, and nothing where nothing was measured") {
  const TemporaryFolder results;
  Records records = Records::start(results.path(), "test", environment());
  records.add(run_of("poll", 100, 2));
  auto row = last_row(records);
  CHECK(row["experiment"] == "test");
  CHECK(row["server"] == "poll");
  CHECK(row["connections"] == "100");
  CHECK(row["active"] == "8");
  CHECK(row["message_bytes"] == "14");
  CHECK(row["loop"] == "closed");
  CHECK(row["repetition"] == "2");
  CHECK(row["valid"] == "yes");
  CHECK(row["errors"] == "0");
  CHECK(row["work_us"] == "0");
  CHECK(row["wait_us"] == "0");
  CHECK(row["all_cores"] == "no");
  for (const std::string empty :
       {"server_system_calls_per_request", "invalid_reason", "speaking", "requests", "p50_us", "rss_bytes",
        "socket_bytes", "threads", "capacity_percent", "capacity_per_s", "arrivals", "offered_per_s",
        "achieved_per_s", "lateness_p99_us", "uncorrected_p50_us", "uncorrected_p90_us", "uncorrected_p99_us",
        "uncorrected_p999_us", "not_answered"}) {
    CAPTURE(empty);
    CHECK(row.contains(empty));
    CHECK(row[empty].empty());
  }

  Run full = run_of("poll", 100, 3);
  full.duration_s = 0.3;
  full.invalid_reason = "the generator was starved";
  full.speaking = 7;
  full.requests = 12345678;
  full.requests_per_s = 41152.26;
  full.p50_us = 10.5, full.p90_us = 20.5, full.p99_us = 30.5, full.p999_us = 40.5, full.max_us = 50.5;
  full.errors = 1, full.timeouts = 2, full.refused = 3, full.corrupt = 4;
  full.memory = harness::MemoryUsage{.virtual_bytes = 11'000'000'000,
                                     .resident_bytes = 12,
                                     .proportional_bytes = 13,
                                     .page_table_bytes = 14,
                                     .kernel_stack_bytes = 15,
                                     .threads = 16};
  full.socket_bytes = 17;
  full.cost = {.work_us = 18, .wait_us = 19, .on_all_cores = true};
  full.server_system_calls_per_request = 2.5;
  full.slab_both_ends_bytes = -18;
  full.samples_file = "samples/x.u32";
  full.loop = "open";
  full.foreign_share = 0.25, full.clock_drift_ppm = -12;
  full.capacity_percent = 90;
  full.capacity_per_s = 1111.5;
  full.open_loop = harness::OpenLoopFigures{"poisson", 1000, 999.5, 1.25, 21, 22, 23, 24, 25};
  records.add(full);
  row = last_row(records);
  const std::map<std::string, std::string> expected{{"duration_s", "0.3"},
                                                    {"valid", "no"},
                                                    {"invalid_reason", "the generator was starved"},
                                                    {"speaking", "7"},
                                                    {"requests", "12345678"},
                                                    {"requests_per_s", "41152.3"},
                                                    {"p50_us", "10.5"},
                                                    {"p90_us", "20.5"},
                                                    {"p99_us", "30.5"},
                                                    {"p999_us", "40.5"},
                                                    {"max_us", "50.5"},
                                                    {"errors", "1"},
                                                    {"timeouts", "2"},
                                                    {"refused", "3"},
                                                    {"corrupt", "4"},
                                                    {"virtual_bytes", "11000000000"},
                                                    {"rss_bytes", "12"},
                                                    {"pss_bytes", "13"},
                                                    {"page_table_bytes", "14"},
                                                    {"kernel_stack_bytes", "15"},
                                                    {"threads", "16"},
                                                    {"socket_bytes", "17"},
                                                    {"slab_both_ends_bytes", "-18"},
                                                    {"work_us", "18"},
                                                    {"wait_us", "19"},
                                                    {"all_cores", "yes"},
                                                    {"server_system_calls_per_request", "2.5"},
                                                    {"samples_file", "samples/x.u32"},
                                                    {"loop", "open"},
                                                    {"foreign_share", "0.25"},
                                                    {"clock_drift_ppm", "-12"},
                                                    {"capacity_percent", "90"},
                                                    {"capacity_per_s", "1111.5"},
                                                    {"arrivals", "poisson"},
                                                    {"offered_per_s", "1000"},
                                                    {"achieved_per_s", "999.5"},
                                                    {"lateness_p99_us", "1.25"},
                                                    {"uncorrected_p50_us", "21"},
                                                    {"uncorrected_p90_us", "22"},
                                                    {"uncorrected_p99_us", "23"},
                                                    {"uncorrected_p999_us", "24"},
                                                    {"not_answered", "25"},
                                                    {"server_cpu_share", ""}};
  for (const auto& cell : expected) {
    CAPTURE(cell.first);
    CHECK(row[cell.first] == cell.second);
  }
}

TEST_CASE("a server's name may hold what CSV quotes; line breaks become spaces") {
  const TemporaryFolder results;
  Records records = Records::start(results.path(), "test", environment());
  for (const std::string name : {"a,b", "say \"hi\"", "\"", ",", "a,\"b\",c", "  spaces  ", "µ"}) {
    records.add(run_of(name, 1, 1));
    CHECK(last_row(records)["server"] == name);
    CHECK(records.has(run_of(name, 1, 1)));
  }
  records.add(run_of("two\nlines\r\nthree", 1, 1));
  CHECK(last_row(records)["server"] == "two lines  three");
  CHECK(read_file(records.folder() + "/runs.csv").find('\r') == std::string::npos);
}

TEST_CASE("a repetition of a point is known by all that identifies it") {
  const TemporaryFolder results;
  Records records = Records::start(results.path(), "test", environment());
  CHECK_FALSE(records.has(run_of("poll", 100, 1)));
  records.add(run_of("poll", 100, 1));
  CHECK(records.has(run_of("poll", 100, 1)));
  CHECK_FALSE(records.has(run_of("poll", 100, 11)));
  CHECK_FALSE(records.has(run_of("poll", 10, 1)));
  CHECK_FALSE(records.has(run_of("epoll", 100, 1)));
  CHECK_FALSE(records.has(run_of("pol", 100, 1)));
  Run other = run_of("poll", 100, 1);
  other.active = 9;
  CHECK_FALSE(records.has(other));
  Run open = run_of("poll", 100, 1);
  open.loop = "open";
  CHECK_FALSE(records.has(open));
  for (const int percent : {50, 90}) {
    open.capacity_percent = percent;
    CHECK_FALSE(records.has(open));
    records.add(open);
    CHECK(records.has(open));
  }
  for (const harness::RequestCost cost :
       {harness::RequestCost{.work_us = 1}, harness::RequestCost{.wait_us = 1},
        harness::RequestCost{.on_all_cores = true}}) {
    Run costly = run_of("poll", 100, 1);
    costly.cost = cost;
    CHECK_FALSE(records.has(costly));
    records.add(costly);
    CHECK(records.has(costly));
  }
}

TEST_CASE("a resumed experiment has what was recorded, and goes on") {
  const TemporaryFolder results;
  {
    Records records = Records::start(results.path(), "test", environment());
    records.add(run_of("a,\"b\"", 1, 1));
    records.add(run_of("poll", 2, 1));
  }
  {
    Records records = Records::resume(results.path(), "test", environment("load_average", "99"));
    CHECK(records.size() == 2);
    CHECK(records.has(run_of("a,\"b\"", 1, 1)));
    CHECK(records.has(run_of("poll", 2, 1)));
    CHECK_FALSE(records.has(run_of("poll", 2, 2)));
    records.add(run_of("poll", 2, 2));
  }
  CHECK(Records::resume(results.path(), "test", environment()).size() == 3);
}

TEST_CASE("two that write to the same results at once are refused") {
  const TemporaryFolder results;
  const Records first = Records::start(results.path(), "test", environment());
  CHECK_THROWS_WITH_AS(Records::start(results.path(), "other", environment()),
                       doctest::Contains("another sweep or load is writing to"), std::runtime_error);
  CHECK(first.size() == 0);
}

TEST_CASE("resuming under other circumstances is refused by the field that differs") {
  const TemporaryFolder results;
  Records::start(results.path(), "test", environment()).add(run_of("poll", 1, 1));
  for (const std::string field : {"profile", "seed", "compiler", "flags", "commit", "kernel", "cpu"}) {
    CAPTURE(field);
    const std::string complaint =
        complaint_of([&] { Records::resume(results.path(), "test", environment(field, "another")); });
    CAPTURE(complaint);
    CHECK(complaint.find("its " + field + " is '") != std::string::npos);
    CHECK(complaint.find("not 'another'") != std::string::npos);
  }
}

TEST_CASE("resuming nothing, or a table with other columns, is refused") {
  const TemporaryFolder results;
  CHECK(complaint_of([&] {
          Records::resume(results.path(), "test", environment());
        }).starts_with("nothing to resume in " + results.path() + "/test"));
  Records::start(results.path(), "test", environment());
  std::ofstream(results / "test/runs.csv") << "server,speed\npoll,fast\n";
  CHECK(complaint_of([&] { Records::resume(results.path(), "test", environment()); }).find("other columns") !=
        std::string::npos);
}

TEST_CASE("a new start keeps the finished runs of the one before, and only those") {
  const TemporaryFolder results;
  Records::start(results.path(), "test", environment()).add(run_of("first", 1, 1));
  CHECK_FALSE(fs::exists(results / "test.previous"));
  Records::start(results.path(), "test", environment()).add(run_of("second", 1, 1));
  CHECK(read_file(results / "test.previous/runs.csv").find("first") != std::string::npos);
  CHECK(read_file(results / "test.previous/environment.json") == environment());
  Records::start(results.path(), "test", environment());  // ends without a run
  CHECK(read_file(results / "test.previous/runs.csv").find("second") != std::string::npos);
  CHECK(Records::start(results.path(), "test", environment()).size() == 0);
  CHECK(read_file(results / "test.previous/runs.csv").find("second") != std::string::npos);
}

TEST_CASE("samples are written as little-endian 32-bit numbers, and texts as they are") {
  const TemporaryFolder results;
  const Records records = Records::start(results.path(), "test", environment());
  CHECK(records.add_samples("poll", std::vector<std::uint32_t>{1, 0x01020304, 0xFFFFFFFF}) ==
        "samples/poll.u32");
  CHECK(read_file(results / "test/samples/poll.u32") ==
        std::string("\x01\x00\x00\x00\x04\x03\x02\x01\xFF\xFF\xFF\xFF", 12));
  CHECK(records.add_text("waits.csv", "a,b\n") == "samples/waits.csv");
  CHECK(read_file(results / "test/samples/waits.csv") == "a,b\n");
}
