#include "common/harness/load/open_loop.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <string>
#include <thread>

#include "common/testing/conversation.h"
#include "common/testing/interruptible.h"
#include "common/testing/threaded_server.h"

using namespace std::chrono_literals;
using harness::Interjection;
using harness::OfferedRequest;
using harness::OpenLoop;
using harness::OpenLoopResult;
using testing::echo;
using testing::Interruptible;
using testing::Peer;
using testing::ThreadedServer;

namespace {

constexpr std::size_t message = 14;

// A generator whose steps stand in the conversation of the test.
class NotedOpenLoop : public OpenLoop {
 public:
  using OpenLoop::OpenLoop;

  OpenLoopResult speak(std::chrono::nanoseconds span, std::chrono::nanoseconds patience,
                       std::vector<Interjection> interjections = {}) {
    OpenLoopResult result = OpenLoop::speak(span, patience, std::move(interjections));
    testing::note("generator",
                  fmt::format("offered {} requests: {} replies, {} failures, {} connections live",
                              result.requests.size(), result.replies, failures().all(), living()));
    return result;
  }
};

std::ptrdiff_t count_sent(const OpenLoopResult& result) {
  return std::count_if(result.requests.begin(), result.requests.end(),
                       [](const OfferedRequest& request) { return request.sent.has_value(); });
}

std::ptrdiff_t count_answered(const OpenLoopResult& result) {
  return std::count_if(result.requests.begin(), result.requests.end(),
                       [](const OfferedRequest& request) { return request.answered.has_value(); });
}

}  // namespace

TEST_CASE_FIXTURE(Interruptible, "all offered requests are sent and answered, each in its order") {
  ThreadedServer server(echo);
  NotedOpenLoop generator({.server = server.address(), .connections = 8, .active = 4}, interruption,
                          {.per_s = 500});
  generator.open();
  const std::uint64_t before = server.bytes_received();
  const OpenLoopResult result = generator.speak(200ms, 10s);
  CHECK(generator.failures().all() == 0);
  CHECK(result.speaking == 4);
  CHECK(result.requests.size() == 100);
  CHECK(result.replies == 100);
  CHECK(result.span == 200ms);
  CHECK(result.length >= 200ms);
  CHECK(result.elapsed >= result.length);
  CHECK(server.bytes_received() - before == 100 * message);
  std::chrono::nanoseconds last_sent{0};
  for (std::size_t i = 0; i < result.requests.size(); ++i) {
    const OfferedRequest& request = result.requests[i];
    CAPTURE(i);
    CHECK(request.intended == i * 2ms);
    REQUIRE(request.answered);
    CHECK(request.late >= 0ns);
    CHECK(request.intended + request.late <= *request.sent);
    CHECK(*request.sent >= last_sent);
    CHECK(*request.answered > *request.sent);
    last_sent = *request.sent;
  }
}

TEST_CASE_FIXTURE(Interruptible,
                  "the active connections are the pool: all of them carry, the others nothing") {
  std::array<std::atomic<int>, 6> requests{};
  ThreadedServer server([&requests](Peer& c, const std::string& bytes) {
    ++requests.at(static_cast<std::size_t>(bytes.at(0)));  // a message begins with its connection's number
    c.unsent += bytes;
  });
  NotedOpenLoop generator({.server = server.address(), .connections = 6, .active = 3}, interruption,
                          {.per_s = 500});
  generator.open();
  std::array<int, 6> opening{};
  std::copy(requests.begin(), requests.end(), opening.begin());
  generator.speak(100ms, 10s);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    CAPTURE(i);
    CHECK((requests[i] > opening[i]) == (i % 2 == 0));
  }
}

TEST_CASE_FIXTURE(Interruptible,
                  "what waits for a connection waits in order, and from its intended time on") {
  ThreadedServer server([](Peer& c, const std::string& bytes) {
    if (c.received == 20 * message) std::this_thread::sleep_for(200ms);  // that is the stall
    c.unsent += bytes;
  });
  NotedOpenLoop generator({.server = server.address()}, interruption, {.per_s = 1000});
  generator.open();
  const OpenLoopResult result = generator.speak(400ms, 10s);
  CHECK(count_answered(result) == 400);
  std::ptrdiff_t slow = 0;
  std::ptrdiff_t slow_from_send = 0;
  for (const OfferedRequest& request : result.requests) {
    slow += *request.answered - request.intended > 50ms ? 1 : 0;
    slow_from_send += *request.answered - *request.sent > 50ms ? 1 : 0;
  }
  CHECK(slow_from_send >= 1);
  CHECK(slow >= 140);  // those that meant to be sent in the first 150 ms of the stall
  CHECK(slow > 10 * slow_from_send);
  // To wait for a connection is not the generator's lateness: among so many it was there for some at least.
  CHECK(std::any_of(result.requests.begin(), result.requests.end(), [](const OfferedRequest& request) {
    return *request.answered - request.intended > 50ms && request.late < 25ms;
  }));
  for (std::size_t i = 1; i < result.requests.size(); ++i)  // one connection: one after the other
    CHECK(*result.requests[i].sent >= *result.requests[i - 1].answered);
}

TEST_CASE_FIXTURE(Interruptible,
                  "a server that answers no more: what is on its way and what waits is not answered") {
  std::atomic<bool> mute = false;
  ThreadedServer server([&mute](Peer& c, const std::string& bytes) {
    if (!mute) c.unsent += bytes;
  });
  for (const std::chrono::milliseconds timeout : {30'000ms, 10ms}) {
    CAPTURE(timeout.count());
    mute = false;
    NotedOpenLoop generator(
        {.server = server.address(), .connections = 2, .active = 2, .request_timeout = timeout}, interruption,
        {.per_s = 1000});
    generator.open();
    mute = true;
    const OpenLoopResult result = generator.speak(50ms, 20ms);
    CHECK(result.requests.size() == 50);
    CHECK(count_sent(result) == 2);
    CHECK(count_answered(result) == 0);
    // Who may still answer lives on; whose time is over is lost.
    CHECK(generator.failures().timeouts == (timeout == 30s ? 0U : 2U));
    CHECK(generator.living() == (timeout == 30s ? 2U : 0U));
  }
}

TEST_CASE_FIXTURE(Interruptible,
                  "a span without patience leaves what is on its way to the next span, uncounted") {
  ThreadedServer server([](Peer& c, const std::string& bytes) {
    if (c.received == 2 * message)
      std::this_thread::sleep_for(300ms);  // longer than the first span and settling
    c.unsent += bytes;
  });
  NotedOpenLoop generator({.server = server.address()}, interruption, {.per_s = 100});
  generator.open();
  const OpenLoopResult first = generator.speak(20ms, 0ns);
  CHECK(count_sent(first) == 1);
  CHECK(count_answered(first) == 0);
  const OpenLoopResult second = generator.speak(50ms, 10s);
  CHECK(count_answered(second) == 5);
  CHECK(generator.failures().all() == 0);
}

TEST_CASE_FIXTURE(Interruptible, "connections that end are errors, and the span ends with the last of them") {
  ThreadedServer server([](Peer& c, const std::string& bytes) {
    c.close_when_sent = c.received > 3 * message;
    c.unsent += c.close_when_sent ? bytes.substr(0, 3) : bytes;
  });
  NotedOpenLoop generator({.server = server.address(), .connections = 3, .active = 3}, interruption,
                          {.per_s = 1000});
  generator.open();
  const OpenLoopResult result = generator.speak(60s, 10s);
  CHECK(generator.failures().errors == 3);
  CHECK(generator.living() == 0);
  CHECK(result.span < 30s);
  CHECK(count_answered(result) == 3 * 2);
  CHECK(count_sent(result) == 3 * 3);
  CHECK(result.requests.size() == 60'000);  // the others were offered, and never sent
}

TEST_CASE_FIXTURE(Interruptible, "a generator that is kept from sending is late, and knows by how much") {
  ThreadedServer server(echo);
  NotedOpenLoop generator({.server = server.address(), .connections = 4, .active = 4}, interruption,
                          {.per_s = 500});
  generator.open();
  int interjected = 0;
  const OpenLoopResult result = generator.speak(
      300ms, 10s,
      {{.after = 100ms, .action = [&interjected] { std::this_thread::sleep_for(100ms), ++interjected; }},
       {.after = 250ms, .action = [&interjected] { ++interjected; }},
       {.after = 10s, .action = [&interjected] { ++interjected; }}});
  CHECK(interjected == 2);
  const auto late = std::count_if(result.requests.begin(), result.requests.end(),
                                  [](const OfferedRequest& request) { return request.late > 1ms; });
  CHECK(late >=
        45);  // of 50, though there are but 4 connections for them: the others waited because of these
  CHECK(count_answered(result) == 150);
}

TEST_CASE_FIXTURE(Interruptible, "a signal ends an open loop at once") {
  ThreadedServer server(echo);
  NotedOpenLoop generator({.server = server.address()}, interruption, {.per_s = 10});
  generator.open();
  raise(SIGTERM);
  CHECK_THROWS_AS(generator.speak(60s, 0ns), harness::Interrupted);
  int taken = 0;
  sigset_t pending;
  sigemptyset(&pending);
  sigaddset(&pending, SIGTERM);
  CHECK(sigwait(&pending, &taken) == 0);
}
