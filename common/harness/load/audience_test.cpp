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
