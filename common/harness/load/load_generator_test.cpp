#include "common/harness/load/load_generator.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "common/net/listener.h"
#include "common/testing/conversation.h"
#include "common/testing/interruptible.h"
#include "common/testing/threaded_server.h"

using namespace std::chrono_literals;
using harness::LoadGenerator;
using harness::LoadPlan;
using harness::LoadResult;
using testing::echo;
using testing::Interruptible;
using testing::Manners;
using testing::Peer;
using testing::ThreadedServer;

namespace {

constexpr std::size_t message = 14;

// A generator whose steps stand in the conversation of the test.
class NotedGenerator : public LoadGenerator {
 public:
  using LoadGenerator::LoadGenerator;

  void open(std::chrono::nanoseconds timeout) {
    LoadGenerator::open(timeout);
    testing::note("generator", fmt::format("has opened its connections, of which {} live", living()));
  }
  LoadResult speak(std::chrono::nanoseconds span) {
    LoadResult result = LoadGenerator::speak(span);
    testing::note("generator", fmt::format("spoke for {} ms: {} replies, {} failures, {} connections live",
                                           result.elapsed / 1ms, result.replies, failures().all(), living()));
    return result;
  }
};

void check_failures(const LoadGenerator& generator, const harness::Failures& expected) {
  CHECK(generator.failures().refused == expected.refused);
  CHECK(generator.failures().errors == expected.errors);
  CHECK(generator.failures().timeouts == expected.timeouts);
  CHECK(generator.failures().corrupt == expected.corrupt);
}

}  // namespace

TEST_CASE_FIXTURE(Interruptible, "against an echo server all requests are answered, and the counts add up") {
  ThreadedServer server(echo);
  NotedGenerator generator({.server = server.address(), .connections = 8, .active = 8}, interruption);
  generator.open(10s);
  CHECK(generator.living() == 8);
  CHECK(generator.speak(0ms).latency_ns.empty());
  generator.speak(20ms);  // a second span counts for itself
  const std::uint64_t before = server.bytes_received();
  CHECK(before >= 8 * message);
  const LoadResult result = generator.speak(100ms);
  check_failures(generator, {});
  CHECK(generator.failures().all() == 0);
  CHECK(generator.living() == 8);
  CHECK(server.bytes_received() - before == result.replies * message);
  CHECK(result.span == 100ms);
  CHECK(result.elapsed > 0ns);
  CHECK(result.replies_in_span <= result.replies);
  CHECK(result.latency_ns.size() >= std::max<std::size_t>(8, result.replies_in_span));
  CHECK(result.latency_ns.size() <= result.replies);
  for (const std::uint32_t latency : result.latency_ns) {
    CHECK(latency > 0);
    CHECK(std::chrono::nanoseconds(latency) <= result.elapsed);
  }
}

TEST_CASE_FIXTURE(Interruptible, "messages of a mebibyte come back whole") {
  ThreadedServer server(echo);
  NotedGenerator generator({.server = server.address(),
                            .connections = 2,
                            .active = 2,
                            .message_bytes = 1 << 20,
                            .request_timeout = 20s},
                           interruption);
  generator.open(20s);
  const LoadResult result = generator.speak(50ms);
  check_failures(generator, {});
  CHECK(result.latency_ns.size() >= 2);
}

TEST_CASE_FIXTURE(Interruptible, "a changed byte, one too many, one unasked and an older reply are corrupt") {
  const auto first = std::make_shared<std::string>();
  const auto changed = [](std::size_t at) {
    return [at](Peer& c, std::string bytes) {
      if (c.received > message && bytes.size() > at) bytes[at] = static_cast<char>(bytes[at] ^ 1);
      c.unsent += bytes;
    };
  };
  const auto longer = [](Peer& c, const std::string& bytes) { c.unsent += bytes + "x"; };
  const auto older = [first](Peer& c, const std::string& bytes) {
    if (first->empty()) *first = bytes;
    c.unsent += c.received > message ? *first : bytes;
  };
  for (const Manners& manners :
       {Manners(changed(0)), Manners(changed(message - 1)), Manners(longer), Manners(older)}) {
    ThreadedServer server(manners);
    NotedGenerator generator({.server = server.address(), .connections = 3, .active = 3}, interruption);
    generator.open(10s);
    generator.speak(30s);  // ends with the last connection
    check_failures(generator, {.corrupt = 3});
    CHECK(generator.living() == 0);
  }
}

TEST_CASE_FIXTURE(Interruptible, "closed before the first reply is refused, closed later is an error") {
  for (const std::size_t replies : {0U, 1U, 5U}) {
    CAPTURE(replies);
    ThreadedServer server([replies](Peer& c, const std::string& bytes) {
      c.close_when_sent = c.received > replies * message;
      c.unsent += c.close_when_sent ? bytes.substr(0, message / 2) : bytes;
    });
    NotedGenerator generator({.server = server.address(), .connections = 4, .active = 4}, interruption);
    generator.open(10s);
    generator.speak(30s);  // ends with the last connection
    if (replies == 0) check_failures(generator, {.refused = 4});
    if (replies > 0) check_failures(generator, {.errors = 4});
    CHECK(generator.living() == 0);
  }
}

TEST_CASE_FIXTURE(Interruptible, "a server that nobody is behind refuses, and speaking to it ends at once") {
  const net::Address nobody =
      net::Address::of_socket(net::open_listener(net::Address::resolve("127.0.0.1", 0)).fd());
  NotedGenerator generator({.server = nobody, .connections = 5, .active = 5}, interruption);
  generator.open(10s);
  check_failures(generator, {.refused = 5});
  const LoadResult result = generator.speak(60s);
  CHECK(result.span < 30s);
  CHECK(result.replies == 0);
  CHECK(result.latency_ns.empty());
}

TEST_CASE_FIXTURE(Interruptible,
                  "a server that does not answer, or no more, is a timeout for each that speaks") {
  std::atomic<bool> mute = false;
  ThreadedServer server([&mute](Peer& c, const std::string& bytes) {
    if (!mute) c.unsent += bytes;
  });
  const LoadPlan plan{.server = server.address(), .connections = 4, .active = 3, .request_timeout = 100ms};
  NotedGenerator generator(plan, interruption);
  generator.open(10s);
  mute = true;
  CHECK(generator.speak(20ms).latency_ns.empty());
  check_failures(generator, {.timeouts = 3});
  CHECK(generator.living() == 1);

  NotedGenerator never_answered(plan, interruption);
  never_answered.open(100ms);
  check_failures(never_answered, {.timeouts = 4});
  CHECK(never_answered.living() == 0);
}

TEST_CASE_FIXTURE(Interruptible,
                  "a reply that takes longer than allowed is a timeout, in the middle of a span too") {
  ThreadedServer server([](Peer& c, const std::string& bytes) {
    if (c.received > message) std::this_thread::sleep_for(300ms);
    c.unsent += bytes;
  });
  NotedGenerator generator({.server = server.address(), .request_timeout = 100ms}, interruption);
  generator.open(10s);
  const LoadResult result = generator.speak(5s);
  check_failures(generator, {.timeouts = 1});
  CHECK(result.latency_ns.empty());
  CHECK(generator.living() == 0);
}

TEST_CASE_FIXTURE(Interruptible, "those that are not active are answered once at least, and then silent") {
  std::array<std::atomic<int>, 10> requests{};
  ThreadedServer server([&requests](Peer& c, const std::string& bytes) {
    ++requests.at(static_cast<std::size_t>(bytes.at(0)));  // a message begins with its connection's number
    c.unsent += bytes;
  });
  NotedGenerator generator({.server = server.address(), .connections = 10, .active = 3}, interruption);
  generator.open(10s);
  std::array<int, 10> opening{};
  std::copy(requests.begin(), requests.end(), opening.begin());
  CHECK(*std::min_element(opening.begin(), opening.end()) >= 1);
  generator.speak(50ms);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    CAPTURE(i);
    CHECK((requests[i] > opening[i]) == (i == 0 || i == 3 || i == 6));  // spread over all
  }
  check_failures(generator, {});
}

TEST_CASE_FIXTURE(Interruptible, "connections leave from as many addresses as they need") {
  ThreadedServer server(echo);
  NotedGenerator generator(
      {.server = server.address(), .connections = 5, .active = 0, .connections_per_address = 2},
      interruption);
  generator.open(10s);
  std::map<std::uint32_t, int> peers;
  for (const Peer& c : server.stop()) ++peers[c.address];
  CHECK(peers == std::map<std::uint32_t, int>{
                     {INADDR_LOOPBACK, 2}, {INADDR_LOOPBACK + 1, 2}, {INADDR_LOOPBACK + 2, 1}});
}

TEST_CASE_FIXTURE(Interruptible, "an impossible plan is refused") {
  const auto plan_with = [](std::size_t connections, std::size_t active, std::size_t bytes) {
    return LoadPlan{.server = {}, .connections = connections, .active = active, .message_bytes = bytes};
  };
  for (const LoadPlan& plan : {plan_with(0, 0, 14), plan_with(1, 2, 14), plan_with(1, 1, 11)})
    CHECK_THROWS_AS(LoadGenerator(plan, interruption), std::invalid_argument);
}

TEST_CASE_FIXTURE(Interruptible, "a signal ends the load at once") {
  ThreadedServer server(echo);
  NotedGenerator generator({.server = server.address()}, interruption);
  generator.open(10s);
  raise(SIGTERM);
  CHECK_THROWS_AS(generator.speak(60s), harness::Interrupted);
  int taken = 0;
  sigset_t pending;
  sigemptyset(&pending);
  sigaddset(&pending, SIGTERM);
  CHECK(sigwait(&pending, &taken) == 0);
}
