#include "common/harness/measuring/open_loop_figures.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using harness::fill_in_open_loop;
using harness::OfferedRequest;
using harness::OpenLoopResult;
using harness::Run;

namespace {

constexpr auto timeout = 4s;

// A thousand requests a second for a second, each sent `waited` late for want of a connection, and answered
// after `served`.
OpenLoopResult punctual(std::chrono::nanoseconds waited, std::chrono::nanoseconds served) {
  OpenLoopResult result;
  for (int i = 0; i < 1000; ++i) {
    const std::chrono::nanoseconds intended = i * 1ms;
    const auto sent = intended + waited;
    result.requests.push_back({.intended = intended, .sent = sent, .answered = sent + served});
  }
  result.replies = result.replies_in_span = 1000;
  result.span = result.length = 1s;
  result.elapsed = 1s + waited + served;
  return result;
}

Run figures_of(const OpenLoopResult& result) {
  Run run;
  run.duration_s = 1;
  fill_in_open_loop(run, result, timeout);
  REQUIRE(run.open_loop);
  return run;
}

}  // namespace

TEST_CASE("corrected latencies run from the intended send, uncorrected ones from the real") {
  const Run run = figures_of(punctual(3ms, 20us));
  CHECK(run.loop == "open");
  CHECK(run.requests == 1000);
  CHECK(*run.p50_us == 3020);
  CHECK(*run.p90_us == 3020);
  CHECK_FALSE(run.p999_us);  // of a thousand
  CHECK(*run.max_us == 3020);
  CHECK(run.open_loop->uncorrected_p50_us == 20);
  CHECK_FALSE(run.open_loop->uncorrected_p999_us);
  CHECK(run.open_loop->offered_per_s == 1000);
  CHECK(run.open_loop->achieved_per_s == 1000);
  CHECK(run.open_loop->not_answered == 0);
  CHECK(run.open_loop->lateness_p99_us == 0);  // it waited for a connection
}

TEST_CASE("a request without an answer is in the denominator, and stands at the bound") {
  OpenLoopResult result = punctual(0us, 20us);
  for (const std::size_t place : {3U, 500U, 999U}) result.requests[place].answered.reset();
  for (std::size_t i = 0; i < 8; ++i) {
    result.requests[100 + i].answered.reset();
    result.requests[100 + i].sent.reset();
  }
  const Run run = figures_of(result);
  CHECK(run.requests == 989);
  CHECK(run.open_loop->not_answered == 11);
  CHECK(*run.p90_us == 20);
  CHECK(*run.p99_us == 4'000'000);  // 11 of 1000
  CHECK(*run.max_us == 4'000'000);
  CHECK(run.open_loop->uncorrected_p90_us == 20);
  CHECK(run.open_loop->uncorrected_p99_us == 4'000'000);
  CHECK(run.open_loop->offered_per_s == 1000);
}

TEST_CASE("no answered request stands above one that was not") {
  OpenLoopResult result = punctual(0us, 20us);
  result.elapsed = 9s;  // a server beyond its capacity: the last replies came then
  result.requests[0].answered = 9s;
  CHECK(harness::bound_of(result, timeout) == 9s);
  result.requests[1].answered.reset();
  CHECK(*figures_of(result).max_us == 9'000'000);
}

TEST_CASE("a percentile that too few requests stand behind isn't told, of any kind") {
  OpenLoopResult few = punctual(3ms, 20us);
  few.requests.resize(499);
  const Run run = figures_of(few);
  CHECK(run.p90_us.has_value());
  CHECK(run.open_loop->uncorrected_p90_us.has_value());
  CHECK_FALSE(run.p99_us);
  CHECK_FALSE(run.open_loop->uncorrected_p99_us);
  CHECK_FALSE(run.open_loop->lateness_p99_us);
  CHECK(*run.max_us == 3020);
}

TEST_CASE("nothing answered, or nothing offered") {
  OpenLoopResult none = punctual(0us, 0us);
  for (OfferedRequest& request : none.requests) request.answered.reset(), request.sent.reset();
  const Run run = figures_of(none);
  CHECK(run.requests == 0U);
  CHECK(run.open_loop->not_answered == 1000);
  CHECK(*run.p50_us == 4'000'000);
  CHECK(run.open_loop->lateness_p99_us == 0);

  const Run empty = figures_of({});
  CHECK(empty.requests == 0U);
  CHECK_FALSE(empty.p50_us);
}

TEST_CASE("lateness is the generator's own, at its p99, over all that it offered") {
  OpenLoopResult result = punctual(5ms, 20us);  // waited for a connection
  CHECK(harness::lateness_p99(result) == 0us);
  for (std::size_t i = 0; i < 10; ++i) result.requests[i].late = 300us;
  CHECK(harness::lateness_p99(result) == 0us);
  result.requests[10].late = 70us;
  CHECK(harness::lateness_p99(result) == 70us);
  result.requests[10].sent.reset();
  result.requests[10].answered.reset();
  CHECK(harness::lateness_p99(result) == 70us);
  CHECK(figures_of(result).open_loop->lateness_p99_us == 70);
}

TEST_CASE("requests that the generator alone pushed out of the span are held back") {
  OpenLoopResult result = punctual(0us, 20us);
  CHECK(harness::share_held_back(result) == 0);
  for (std::size_t i = 970; i < 1000; ++i) result.requests[i].sent = 1s;
  CHECK(harness::share_held_back(result) == 0);  // no connection was free
  for (std::size_t i = 970; i < 1000; ++i) result.requests[i].late = 1ms;
  CHECK(harness::share_held_back(result) == doctest::Approx(0.029));  // one may fall over the edge
  CHECK(harness::share_held_back({}) == 0);
}

TEST_CASE("the CSV has a line for every offered request, empty where there was nothing") {
  OpenLoopResult result;
  result.requests = {{.intended = 0us, .sent = 1us, .answered = 21'500ns},
                     {.intended = 1ms, .sent = 1001us, .answered = {}},
                     {.intended = 2ms, .sent = {}, .answered = {}}};
  CHECK(harness::csv_of(result) ==
        "intended_us,sent_us,answered_us\n0.0,1.0,21.5\n1000.0,1001.0,\n2000.0,,\n");
  harness::LoadResult closed;
  closed.latency_ns = {20'000, 30'000};
  closed.sent = {0us, 25us};
  CHECK(harness::csv_of(closed) == "intended_us,sent_us,answered_us\n,0.0,20.0\n,25.0,55.0\n");
}
