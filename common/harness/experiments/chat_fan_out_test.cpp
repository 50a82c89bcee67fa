#include "common/harness/experiments/chat_fan_out.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using harness::Spoken;

namespace {

// Three lines, two who read and a silent one; the third line reaches only the second of them.
Spoken three_lines() {
  Spoken spoken;
  spoken.lines = {{.intended = 0ms, .late = 0ms, .sent = 1ms},
                  {.intended = 10ms, .late = 2ms, .sent = 12ms},
                  {.intended = 20ms, .late = 0ms, .sent = std::nullopt}};
  spoken.heard = {{.listener = 2, .line = 1, .time = 3ms},  {.listener = 1, .line = 1, .time = 5ms},
                  {.listener = 1, .line = 2, .time = 17ms}, {.listener = 2, .line = 2, .time = 18ms},
                  {.listener = 2, .line = 3, .time = 40ms}, {.listener = 3, .line = 1, .time = 41ms}};
  spoken.silent = {{.whole = 7, .torn = 1, .told = 5, .untold = 2, .cut_off = false},
                   {.whole = 1, .cut_off = true}};
  spoken.length = 30ms;
  spoken.elapsed = 50ms;
  spoken.deliveries = 9;
  return spoken;
}

}  // namespace

TEST_CASE(
    "fan-out: the first and the last count from the intended time; who isn't reached stands at the bound") {
  const auto figures = harness::fan_out_figures(three_lines(), 2, 4s);
  CHECK(figures.first_us == 7000);  // of 3, 7 and 20 ms
  CHECK(figures.median_us == 7000);
  CHECK(figures.last_us == 8000);  // of 5, 8 ms and the bound
  CHECK((figures.silent_whole == 8 && figures.silent_torn == 1 && figures.silent_told == 5));
  CHECK((figures.silent_untold == 2 && figures.silent_cut_off == 1));
  CHECK_FALSE(figures.growth_bytes);
  const auto nobody = harness::fan_out_figures({}, 2, 4s);
  CHECK(nobody.last_us == 0);
}

TEST_CASE("fan-out: a line is as many requests as there are readers, answered where it was heard") {
  const auto result = harness::deliveries_as_requests(three_lines(), 2);
  REQUIRE(result.requests.size() == 6);
  CHECK(result.requests[0].answered == 5ms);
  CHECK(result.requests[1].answered == 3ms);
  CHECK(result.requests[3].answered == 18ms);
  CHECK_FALSE(result.requests[4].answered);
  CHECK(result.requests[5].answered == 40ms);
  CHECK(result.requests[3].intended == 10ms);
  CHECK(result.requests[3].sent == 12ms);
  CHECK(result.requests[3].late == 2ms);
  CHECK(result.replies_in_span == 4);
  CHECK(result.replies == 9);
  CHECK(result.speaking == 1);
  CHECK(result.length == 30ms);
}

TEST_CASE("fan-out: nobody is listener 0, and nothing that he heard is an answer") {
  Spoken spoken = three_lines();
  spoken.heard.insert(spoken.heard.begin(), {.listener = 0, .line = 1, .time = 1ms});
  spoken.heard.push_back({.listener = 0, .line = 3, .time = 42ms});
  const auto result = harness::deliveries_as_requests(spoken, 2);
  CHECK(result.requests[3].answered == 18ms);
  CHECK(result.replies_in_span == 4);
  CHECK(harness::fan_out_figures(spoken, 2, 4s).first_us == 7000);
}

TEST_CASE(
    "fan-out: the samples hold every delivery; one that never came, and one beyond 32 bits, at a bound") {
  Spoken spoken = three_lines();
  spoken.heard[3].time = 10s;
  const auto result = harness::deliveries_as_requests(spoken, 2);
  CHECK(harness::samples_of(result, 4s) ==
        std::vector<std::uint32_t>{5'000'000, 3'000'000, 7'000'000, UINT32_MAX, 4'000'000'000, 20'000'000});
}

TEST_CASE("fan-out: a percentile needs so many lines, not deliveries") {
  harness::Run run;
  const auto fill_in = [&run](std::size_t lines) {
    harness::OpenLoopFigures& figures = run.open_loop.emplace();
    run.p50_us = run.p90_us = run.p99_us = run.p999_us = run.max_us = figures.lateness_p99_us = 1;
    figures.uncorrected_p50_us = figures.uncorrected_p90_us = figures.uncorrected_p99_us =
        figures.uncorrected_p999_us = 1;
    harness::leave_out_what_few_lines_tell(run, lines);
  };
  fill_in(499);
  CHECK((run.max_us && run.p50_us && run.p90_us && !run.p99_us && !run.p999_us));
  CHECK((run.open_loop->uncorrected_p90_us && !run.open_loop->uncorrected_p99_us));
  CHECK_FALSE((run.open_loop->uncorrected_p999_us || run.open_loop->lateness_p99_us));
  fill_in(5000);
  CHECK((run.p999_us && run.open_loop->uncorrected_p999_us && run.open_loop->lateness_p99_us));
  fill_in(9);
  CHECK_FALSE((run.p50_us || run.p90_us || run.open_loop->uncorrected_p50_us));
}

TEST_CASE("traced calls: each counts once, also one that another thread interrupts; signals and ends don't") {
  const std::string before = "7  socket(AF_INET) = 3\n";
  const std::string record = before +
                             "7  sendto(3, \"a\\n\", 2, 0, NULL, 0) = 2\n"
                             "8  recvfrom(4, <unfinished ...>\n"
                             "7  epoll_wait(5, [], 256, -1) = 1\n"
                             "8  <... recvfrom resumed>\"x(y\", 16384, 0, NULL, NULL) = 3\n"
                             "8  --- SIGTERM {si_signo=SIGTERM} ---\n"
                             "8  +++ exited with 0 +++\n"
                             "7  sendto(3, <unfinished ...>";
  CHECK(harness::count_traced_calls(record, before.size()) == 4);
  CHECK(harness::count_traced_calls(record, 0) == 5);
  CHECK(harness::count_traced_calls(record, record.size() + 1) == 0);
}
