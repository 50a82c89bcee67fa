#include "common/harness/load/audience.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/net/listener.h"
#include "common/testing/interruptible.h"

using namespace std::chrono_literals;
using harness::Audience;
using harness::Spoken;
using testing::Interruptible;

namespace {

constexpr std::size_t readers = 2;
constexpr std::size_t silent = 1;

// A room for a speaker, who comes first, two who read and a silent one. Its manners are the test's: what the
// guest of a number (the speaker's is 0) is sent for a line, both with their LF.
class SmallRoom {
 public:
  using Manners = std::function<std::string(std::size_t guest, const std::string& line)>;

  explicit SmallRoom(Manners manners) : manners_(std::move(manners)), thread_([this] { run(); }) {}
  ~SmallRoom() { thread_.join(); }
  harness::AudiencePlan plan() const {
    return {.room = net::Address::of_socket(listener_.fd()), .readers = readers, .silent = silent};
  }

 private:
  void run() {
    std::vector<net::FileDescriptor> guests;
    while (guests.size() < 1 + readers + silent)
      guests.emplace_back(accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    std::string rest;
    std::array<char, 1024> bytes;
    for (;;) {
      const ssize_t received = recv(guests.front().fd(), bytes.data(), bytes.size(), 0);
      if (received <= 0) return;
      rest.append(bytes.data(), static_cast<std::size_t>(received));
      for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
        say_to_all(guests, rest.substr(0, end + 1));
        rest.erase(0, end + 1);
      }
    }
  }
  void say_to_all(const std::vector<net::FileDescriptor>& guests, const std::string& line) {
    for (std::size_t guest = 0; guest < guests.size(); ++guest) {
      const std::string text = manners_(guest, line);
      if (!text.empty()) send(guests[guest].fd(), text.data(), text.size(), MSG_NOSIGNAL);
    }
  }

  Manners manners_;
  net::FileDescriptor listener_ = net::open_listener(net::Address::resolve("127.0.0.1", 0));
  std::thread thread_;
};

std::string to_others(std::size_t guest, const std::string& line) {
  return guest == 0 ? "" : "guest1: " + line;
}

// Says lines, all that a millisecond's interval allows in the time.
Spoken speak(Audience& audience, std::chrono::nanoseconds duration) {
  return audience.speak(
      {.per_s = 1000}, duration, [] {}, 4s);
}

}  // namespace

TEST_CASE_FIXTURE(Interruptible, "a room that sends the speaker his own line: he is no listener") {
  const SmallRoom room([](std::size_t guest, const std::string& line) {
    return guest == 0 ? "you: " + line : to_others(guest, line);
  });
  Audience audience(room.plan(), interruption);
  REQUIRE(audience.enter(4s));
  const Spoken spoken = speak(audience, 20ms);
  CHECK(spoken.lines.size() == 20);
  CHECK(spoken.heard.size() == 20 * (readers + silent));
  for (const harness::Delivery& delivery : spoken.heard) CHECK(delivery.listener >= 1);
  CHECK(spoken.deliveries % (readers + silent) == 0);
  CHECK(audience.failures().all() == 0);
  audience.leave();
}

TEST_CASE_FIXTURE(Interruptible, "a line that became due while the speaker was away is said all the same") {
  const SmallRoom room(to_others);
  Audience audience(room.plan(), interruption);
  REQUIRE(audience.enter(4s));
  const Spoken spoken = speak(audience, 1ns);  // over when it is looked at first
  REQUIRE(spoken.lines.size() == 1);
  CHECK(spoken.lines.front().sent);
  CHECK(spoken.heard.size() == readers + silent);
  audience.leave();
}

// The first mark reaches the silent one, who comes last, only when it was said once more; so the second is
// under way when all have come in.
TEST_CASE_FIXTURE(Interruptible,
                  "a mark from before the span, which comes in it, stands for no line that is lost") {
  std::string held_back;
  const SmallRoom room([&held_back](std::size_t guest, const std::string& line) -> std::string {
    if (guest < 1 + readers) return to_others(guest, line);
    if (line == harness::SpokenLines::mark(1) + '\n') return std::exchange(held_back, to_others(guest, line));
    if (line == harness::SpokenLines::mark(2) + '\n') return std::exchange(held_back, to_others(guest, line));
    if (line.starts_with("00000002")) return "";  // is lost
    return std::exchange(held_back, "") + to_others(guest, line);
  });
  Audience audience(room.plan(), interruption);
  REQUIRE(audience.enter(4s));
  const Spoken spoken = speak(audience, 5ms);
  REQUIRE(spoken.silent.size() == 1);
  CHECK(spoken.lines.size() == 5);
  CHECK(spoken.silent.front().untold == 1);
  CHECK(spoken.silent.front().told == 0);
  audience.leave();
}
