#include "common/bench/audience.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/harness/processes/server_process.h"
#include "common/net/listener.h"

namespace {

constexpr std::size_t listeners = 5;

// A room for that many listeners and one who comes last and speaks, with the manners of the test: what the
// listener of a number is sent for the line of a number. An empty text closes his connection.
class SmallRoom {
 public:
  using Manners = std::function<std::string(std::size_t listener, int line, const std::string& said)>;

  explicit SmallRoom(Manners manners) : manners_(std::move(manners)), thread_([this] { run(); }) {}
  ~SmallRoom() { thread_.join(); }
  net::Address address() const { return net::Address::of_socket(listener_.fd()); }

 private:
  net::FileDescriptor accept_one() const {
    return net::FileDescriptor{accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
  }
  void run() {
    std::vector<net::FileDescriptor> guests;
    while (guests.size() < listeners) guests.push_back(accept_one());
    const net::FileDescriptor speaker = accept_one();
    std::array<char, 256> bytes;
    for (int line = 0;; ++line) {
      const ssize_t received = recv(speaker.fd(), bytes.data(), bytes.size(), 0);
      if (received <= 0) return;
      for (std::size_t i = 0; i < guests.size(); ++i) {
        const std::string text = manners_(i, line, {bytes.data(), static_cast<std::size_t>(received)});
        if (text.empty()) {
          guests[i].close();
        } else {
          send(guests[i].fd(), text.data(), text.size(), MSG_NOSIGNAL);
        }
      }
    }
  }

  Manners manners_;
  net::FileDescriptor listener_ = net::open_listener(net::Address::resolve("127.0.0.1", 0));
  std::thread thread_;
};

std::string as_said(std::size_t /*listener*/, int /*line*/, const std::string& said) {
  return "* news\nguest6: " + said;
}

}  // namespace

TEST_CASE("audience: a line is heard by all, with what the room puts before it") {
  const SmallRoom room([](std::size_t, int line, const std::string& said) {
    CHECK(said.ends_with('\n'));
    CHECK((line == 0 || said.size() == 64));
    return (line == 0 ? "* guest6 has joined\nguest6: " : "guest6: ") + said;
  });
  bench::Audience audience(room.address(), listeners);
  CHECK(audience.deliveries() == 0);
  audience.say_and_hear();
  audience.say_and_hear();
  CHECK(audience.deliveries() == 2 * listeners);
}

TEST_CASE("audience: a wrong byte to one of many, and one who is hung up on, are errors") {
  const SmallRoom wrong([](std::size_t listener, int line, std::string said) {
    if (listener == 3 && line == 1) said[10] = '!';
    return said;
  });
  bench::Audience deceived(wrong.address(), listeners);
  CHECK_THROWS_AS(deceived.say_and_hear(), harness::ServerError);

  const SmallRoom closing([](std::size_t listener, int line, const std::string& said) {
    return listener == 1 && line == 2 ? "" : said;
  });
  bench::Audience left(closing.address(), listeners);
  left.say_and_hear();
  CHECK_THROWS_AS(left.say_and_hear(), harness::ServerError);
}

TEST_CASE("audience: words that nobody said are an error, too") {
  const SmallRoom room(as_said);
  bench::Audience audience(room.address(), listeners);
  CHECK_THROWS_AS(audience.say_and_hear(), harness::ServerError);
}
