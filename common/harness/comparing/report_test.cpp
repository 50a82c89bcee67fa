#include "common/harness/comparing/report.h"

#include <doctest/doctest.h>

using harness::Compared;

namespace {

// Six rounds in which poll needs about three times the CPU of epoll, and nothing valid of the latencies.
harness::Tallies tallies() {
  harness::Tallies tallies(3, 6);
  for (std::size_t round = 0; round < 6; ++round) {
    const double step = 0.01 * static_cast<double>(round);
    tallies.cpu.add(Compared::base, round, 5);
    tallies.cpu.add(Compared::base_again, round, 5 + step);
    tallies.cpu.add(Compared::first_other, round, 15 + 10 * step);
    tallies.p50.reject("the generator was starved");
  }
  tallies.p99.reject("of this");
  return tallies;
}

const Compared compared{.names = {"epoll", "epoll again", "poll"}};

}  // namespace

TEST_CASE("report of a comparison: a table where there is one, and an answer to each quantity") {
  CHECK(harness::comparison_text(compared, tallies()) ==
        "CPU of the server a request (one core, in turns)\n"
        "                                       ratio   95 % interval\n"
        "  epoll                         5.00 µs\n"
        "  epoll again                   5.03 µs   1.00   1.00 to 1.01   n 6   A/A\n"
        "  poll                         15.25 µs   3.05   3.00 to 3.10   n 6\n"
        "  poll needs 3.00 to 3.10 times the CPU of epoll here; this machine can tell\n"
        "  1.0 %\n"
        "\n"
        "latency, p50 (two cores)\n"
        "  6 of 6 runs don't count, the last one since the generator was starved\n"
        "  nothing can be told of the median latency here\n"
        "\n"
        "latency, p99 (two cores)\n"
        "  1 of 1 runs don't count, the last one since of this\n"
        "  nothing can be told of the p99 latency here\n"
        "\n");
}

TEST_CASE("report of a comparison: one server alone, with too few rounds") {
  harness::Tallies few(2, 2);
  for (const std::size_t who : {Compared::base, Compared::base_again}) few.cpu.add(who, 1, 150);
  const std::string text = harness::comparison_text({.names = {"x", "x again"}}, few);
  CHECK(text.find("  x                              150 µs\n"
                  "  x again                        150 µs   1.00   too few        n 1   A/A\n"
                  "  nothing can be told of the CPU: 1 valid pair, an interval needs 6\n") !=
        std::string::npos);
}

TEST_CASE("report of a comparison: a long name has a line of its own") {
  harness::Tallies one(2, 1);
  for (const std::size_t who : {Compared::base, Compared::base_again}) one.cpu.add(who, 0, 2);
  const std::string text =
      harness::comparison_text({.names = {"epoll --port 0 --work-us 400", "again"}}, one);
  CHECK(text.find("  epoll --port 0 --work-us 400\n"
                  "                                2.00 µs\n"
                  "  again                         2.00 µs   1.00") != std::string::npos);
}

TEST_CASE("report of a comparison: the JSON has an object for each quantity and each but the base") {
  const auto objects = harness::comparison_json(compared, tallies());
  REQUIRE(objects.size() == 6);
  const auto fields = harness::parse_flat_json(objects[1].dump());
  REQUIRE(fields);
  CHECK(fields->at("quantity") == "server_cpu_us_per_request");
  CHECK(fields->at("subject") == "poll");
  CHECK(fields->at("base") == "epoll");
  CHECK(fields->at("same_server") == "false");
  CHECK(fields->at("n") == "6");
  CHECK(fields->at("low") == "3.0");
  CHECK(fields->at("rejected").empty());
  CHECK(harness::parse_flat_json(objects[0].dump())->at("same_server") == "true");
  CHECK(harness::parse_flat_json(objects[3].dump())->count("ratio") == 0);
}
