#include "common/harness/load/load_generator.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

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
#include "common/net/system_error.h"
#include "common/testing/interruptible.h"

using namespace std::chrono_literals;
using harness::LoadGenerator;
using harness::LoadPlan;
using harness::LoadResult;
using testing::Interruptible;

namespace {

// The server's end of a connection: what it has received so far, and what is to go back.
struct Conversation {
  net::FileDescriptor socket;
  std::uint32_t peer = 0;  // its IPv4 address
  std::size_t received = 0;
  std::string unsent;
  bool close_when_sent = false;
  bool over = false;
};

// What a server does with the bytes that have just come.
using Manners = std::function<void(Conversation&, const std::string& bytes)>;

void echo(Conversation& conversation, const std::string& bytes) { conversation.unsent += bytes; }

// Serves in a thread of its own until it is stopped; what it has seen may be looked at after that.
class TestServer {
 public:
  explicit TestServer(Manners manners) : manners_(std::move(manners)), thread_([this] { run(); }) {}
  ~TestServer() { stop(); }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  net::Address address() const { return net::Address::of_socket(listener_.fd()); }
  std::uint64_t bytes_received() const { return bytes_received_; }
  const std::vector<Conversation>& stop() {
    if (!thread_.joinable()) return conversations_;
    const std::uint64_t one = 1;
    CHECK(write(stop_.fd(), &one, sizeof(one)) == sizeof(one));
    thread_.join();
    return conversations_;
  }

 private:
  void run() {
    net::set_nonblocking(listener_);
    for (;;) {
      std::vector<pollfd> watched{{.fd = stop_.fd(), .events = POLLIN, .revents = 0},
                                  {.fd = listener_.fd(), .events = POLLIN, .revents = 0}};
      for (const Conversation& c : conversations_) {
        const short events = c.unsent.empty() ? POLLIN : POLLOUT;
        watched.push_back({.fd = c.over ? -1 : c.socket.fd(), .events = events, .revents = 0});
      }
      poll(watched.data(), watched.size(), -1);
      if (watched[0].revents != 0) return;
      for (std::size_t i = 2; i < watched.size(); ++i) {
        if (watched[i].revents != 0) serve(conversations_[i - 2]);
      }
      if (watched[1].revents != 0) accept_one();
    }
  }

  void accept_one() {
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    net::FileDescriptor socket{
        accept4(listener_.fd(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!socket) return;
    net::disable_nagle(socket);
    conversations_.emplace_back();
    conversations_.back().socket = std::move(socket);
    conversations_.back().peer = ntohl(peer.sin_addr.s_addr);
  }

  void serve(Conversation& c) {
    std::array<char, 64 * 1024> buffer;
    if (c.unsent.empty()) {
      const ssize_t n = recv(c.socket.fd(), buffer.data(), buffer.size(), 0);
      c.over = n == 0 || (n < 0 && !net::is_try_again(errno));
      if (n <= 0) return;
      c.received += static_cast<std::size_t>(n);
      manners_(c, {buffer.data(), static_cast<std::size_t>(n)});
      bytes_received_ += static_cast<std::uint64_t>(n);
    }
    const ssize_t sent = send(c.socket.fd(), c.unsent.data(), c.unsent.size(), MSG_NOSIGNAL);
    c.over = sent < 0 && !net::is_try_again(errno);
    if (sent > 0) c.unsent.erase(0, static_cast<std::size_t>(sent));
    if (c.close_when_sent && c.unsent.empty()) {
      c.over = true;
      c.socket.close();
    }
  }

  Manners manners_;
  net::FileDescriptor listener_ = net::open_listener(net::Address::resolve("127.0.0.1", 0));
  net::FileDescriptor stop_{eventfd(0, EFD_CLOEXEC)};
  std::vector<Conversation> conversations_;
  std::atomic<std::uint64_t> bytes_received_ = 0;
  std::thread thread_;
};

constexpr std::size_t message = 14;

void check_failures(const LoadGenerator& generator, const harness::Failures& expected) {
  CHECK(generator.failures().refused == expected.refused);
  CHECK(generator.failures().errors == expected.errors);
  CHECK(generator.failures().timeouts == expected.timeouts);
  CHECK(generator.failures().corrupt == expected.corrupt);
}

}  // namespace

TEST_CASE_FIXTURE(Interruptible, "against an echo server all requests are answered, and the counts add up") {
  TestServer server(echo);
  LoadGenerator generator({.server = server.address(), .connections = 8, .active = 8}, interruption);
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
  TestServer server(echo);
  LoadGenerator generator({.server = server.address(),
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
    return [at](Conversation& c, std::string bytes) {
      if (c.received > message && bytes.size() > at) bytes[at] = static_cast<char>(bytes[at] ^ 1);
      c.unsent += bytes;
    };
  };
  const auto longer = [](Conversation& c, const std::string& bytes) { c.unsent += bytes + "x"; };
  const auto older = [first](Conversation& c, const std::string& bytes) {
    if (first->empty()) *first = bytes;
    c.unsent += c.received > message ? *first : bytes;
  };
  for (const Manners& manners :
       {Manners(changed(0)), Manners(changed(message - 1)), Manners(longer), Manners(older)}) {
    TestServer server(manners);
    LoadGenerator generator({.server = server.address(), .connections = 3, .active = 3}, interruption);
    generator.open(10s);
    generator.speak(30s);  // ends with the last connection
    check_failures(generator, {.corrupt = 3});
    CHECK(generator.living() == 0);
  }
}

TEST_CASE_FIXTURE(Interruptible, "closed before the first reply is refused, closed later is an error") {
  for (const std::size_t replies : {0U, 1U, 5U}) {
    CAPTURE(replies);
    TestServer server([replies](Conversation& c, const std::string& bytes) {
      c.close_when_sent = c.received > replies * message;
      c.unsent += c.close_when_sent ? bytes.substr(0, message / 2) : bytes;
    });
    LoadGenerator generator({.server = server.address(), .connections = 4, .active = 4}, interruption);
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
  LoadGenerator generator({.server = nobody, .connections = 5, .active = 5}, interruption);
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
  TestServer server([&mute](Conversation& c, const std::string& bytes) {
    if (!mute) c.unsent += bytes;
  });
  const LoadPlan plan{.server = server.address(), .connections = 4, .active = 3, .request_timeout = 100ms};
  LoadGenerator generator(plan, interruption);
  generator.open(10s);
  mute = true;
  CHECK(generator.speak(20ms).latency_ns.empty());
  check_failures(generator, {.timeouts = 3});
  CHECK(generator.living() == 1);

  LoadGenerator never_answered(plan, interruption);
  never_answered.open(100ms);
  check_failures(never_answered, {.timeouts = 4});
  CHECK(never_answered.living() == 0);
}

TEST_CASE_FIXTURE(Interruptible,
                  "a reply that takes longer than allowed is a timeout, in the middle of a span too") {
  TestServer server([](Conversation& c, const std::string& bytes) {
    if (c.received > message) std::this_thread::sleep_for(300ms);
    c.unsent += bytes;
  });
  LoadGenerator generator({.server = server.address(), .request_timeout = 100ms}, interruption);
  generator.open(10s);
  const LoadResult result = generator.speak(5s);
  check_failures(generator, {.timeouts = 1});
  CHECK(result.latency_ns.empty());
  CHECK(generator.living() == 0);
}

TEST_CASE_FIXTURE(Interruptible, "those that are not active are answered once at least, and then silent") {
  std::array<std::atomic<int>, 10> requests{};
  TestServer server([&requests](Conversation& c, const std::string& bytes) {
    ++requests.at(static_cast<std::size_t>(bytes.at(0)));  // a message begins with its connection's number
    c.unsent += bytes;
  });
  LoadGenerator generator({.server = server.address(), .connections = 10, .active = 3}, interruption);
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
  TestServer server(echo);
  LoadGenerator generator(
      {.server = server.address(), .connections = 5, .active = 0, .connections_per_address = 2},
      interruption);
  generator.open(10s);
  std::map<std::uint32_t, int> peers;
  for (const Conversation& c : server.stop()) ++peers[c.peer];
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
  TestServer server(echo);
  LoadGenerator generator({.server = server.address()}, interruption);
  generator.open(10s);
  raise(SIGTERM);
  CHECK_THROWS_AS(generator.speak(60s), harness::Interrupted);
  int taken = 0;
  sigset_t pending;
  sigemptyset(&pending);
  sigaddset(&pending, SIGTERM);
  CHECK(sigwait(&pending, &taken) == 0);
}
