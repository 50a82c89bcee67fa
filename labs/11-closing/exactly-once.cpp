// exactly-once: numbered messages over a connection that breaks, and each of them is taken exactly once.
//
// Run:       build/bin/exactly-once                 the receiver resets the connection three times
//            build/bin/exactly-once --break cable   the cable is pulled once, between two network namespaces
//            build/bin/at-most-once                 the same without acknowledgements: messages are lost
// Look for:  the sender keeps each message until it is acknowledged, and sends it again over the next
//            connection; the receiver drops what it has already. resent and duplicates are not 0, missing is.
//            Exit code 1 if it is not as described, 77 where the machine allows no network namespaces.

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <thread>

#include "common/demonstration/connected_pair.h"
#include "common/demonstration/demonstration.h"
#include "common/demonstration/two_hosts.h"
#include "common/net/address.h"
#include "common/net/command_line.h"
#include "common/net/connection.h"
#include "common/net/listener.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

using namespace std::chrono_literals;
using BreakConnection = std::function<void(net::FileDescriptor connection)>;

constexpr std::int64_t messages = 20'000;
constexpr std::int64_t window = 256;      // so many may be on their way, unacknowledged
constexpr std::int64_t acknowledge = 16;  // every 16th message is answered: "all up to this number"

// 64 bytes: its number, and nothing else of interest.
struct Message {
  std::int64_t number = 0;
  std::array<char, 56> filler{};
};

// Waits for a whole object; false when the connection is over.
template <typename Object>
bool receive(const net::FileDescriptor& connection, Object& object) {
  return recv(connection.fd(), &object, sizeof(object), MSG_WAITALL) == sizeof(object);
}

// Sends a whole object; false when the connection is over, or blocked for too long.
template <typename Object>
bool transmit(const net::FileDescriptor& connection, const Object& object) {
  std::span<const std::byte> unsent = std::as_bytes(std::span(&object, 1));
  while (!unsent.empty()) {
    const ssize_t sent = send(connection.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;
    unsent = unsent.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

class Receiver {
 public:
  Receiver(const net::FileDescriptor& listener, std::set<std::int64_t> break_after,
           BreakConnection break_connection)
      : listener_(listener),
        break_after_(std::move(break_after)),
        break_connection_(std::move(break_connection)) {}

  // One connection after the other, until the listener is shut down.
  void run() {
    for (;;) {
      net::FileDescriptor connection{accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
      if (!connection && errno == EINVAL) return;
      if (!connection) continue;
      net::disable_nagle(connection);
      serve(std::move(connection));
    }
  }

  std::int64_t breaks = 0, received = 0, duplicates = 0, skipped = 0;

 private:
  void serve(net::FileDescriptor connection) {
    Message message;
    while (receive(connection, message)) {
      take(message);
      if (message.number % acknowledge == 0 || last_ == messages) transmit(connection, last_);
      if (break_after_.erase(received) > 0 && more_is_here(connection)) {
        ++breaks;
        return break_connection_(std::move(connection));
      }
    }
  }

  // Waits for the next bytes, so that it is certain that a break loses something.
  static bool more_is_here(const net::FileDescriptor& connection) {
    char byte = 0;
    return recv(connection.fd(), &byte, 1, MSG_PEEK) > 0;
  }

  // What comes in is in order, but a new connection may begin with older ones.
  void take(const Message& message) {
    if (message.number <= last_) {
      ++duplicates;
      return;
    }
    ++received;
    skipped += message.number - last_ - 1;
    last_ = message.number;
  }

  const net::FileDescriptor& listener_;
  std::set<std::int64_t> break_after_;  // so many messages
  BreakConnection break_connection_;
  std::int64_t last_ = 0;
};

class Sender {
 public:
  explicit Sender(net::Address receiver) : receiver_(receiver) {}

  void run() {
    for (int tries = 10; tries > 0 && !deliver(net::connect_to(receiver_));) --tries;
  }

  std::int64_t sent = 0, resent = 0;

 private:
  // False when the connection breaks: then all goes again from the first message that is not acknowledged.
  bool deliver(const net::FileDescriptor& connection) {
    net::disable_nagle(connection);
    give_up_after_1_s(connection);
    for (std::int64_t next = acknowledged_ + 1; acknowledged_ < messages;) {
      const bool may_send = next <= messages && next <= acknowledged_ + window;
      if (may_send && !transmit(connection, Message{.number = next})) return false;
      if (may_send) count(next++);
      if (!take_acknowledgements(connection, may_send ? MSG_DONTWAIT : 0)) return false;
    }
    return true;
  }

  // To be wrong about a connection that was only slow does no harm: what arrives twice is taken once.
  static void give_up_after_1_s(const net::FileDescriptor& connection) {
    const timeval patience{.tv_sec = 1, .tv_usec = 0};
    for (const int option : {SO_SNDTIMEO, SO_RCVTIMEO}) {
      if (setsockopt(connection.fd(), SOL_SOCKET, option, &patience, sizeof(patience)) < 0) {
        throw net::SystemError("setsockopt SO_SNDTIMEO or SO_RCVTIMEO");
      }
    }
  }

  // Takes one acknowledgement if there is one, or waits for it. False when the connection is over, or silent
  // for too long.
  bool take_acknowledgements(const net::FileDescriptor& connection, int flags) {
    std::int64_t number = 0;
    const ssize_t seen = recv(connection.fd(), &number, sizeof(number), MSG_PEEK | flags);
    if (seen < 0) return flags == MSG_DONTWAIT && net::is_try_again(errno);
    if (seen == 0) return false;
    if (!receive(connection, number)) return false;
    acknowledged_ = number;
    return true;
  }

  void count(std::int64_t number) {
    if (number > sent)
      ++sent;
    else
      ++resent;
  }

  net::Address receiver_;
  std::int64_t acknowledged_ = 0;
};

// At the end of the sender, however that comes, the receiver's accept returns EINVAL.
class ShutDownAtTheEnd {
 public:
  explicit ShutDownAtTheEnd(const net::FileDescriptor& listener) : listener_(listener) {}
  ~ShutDownAtTheEnd() { shutdown(listener_.fd(), SHUT_RDWR); }
  ShutDownAtTheEnd(const ShutDownAtTheEnd&) = delete;
  ShutDownAtTheEnd& operator=(const ShutDownAtTheEnd&) = delete;

 private:
  const net::FileDescriptor& listener_;
};

void reset(net::FileDescriptor connection) {
  demonstration::reset_on_close(connection);
  connection.close();
}

int exactly_once(const std::string& kind) {
  std::optional<demonstration::TwoHosts> hosts;
  if (kind == "cable") hosts.emplace();
  const net::FileDescriptor listener =
      hosts ? hosts->listen_there(9000) : net::open_listener(net::Address::resolve("127.0.0.1", 0));
  const auto pull_cable = [&](net::FileDescriptor connection) {
    hosts->pull_cable();
    reset(std::move(connection));  // into the void
    std::this_thread::sleep_for(500ms);
    hosts->plug_cable_in();
  };
  Receiver receiver(listener,
                    hosts ? std::set<std::int64_t>{5007} : std::set<std::int64_t>{5007, 10'007, 15'007},
                    hosts ? BreakConnection(pull_cable) : reset);
  Sender sender(net::Address::of_socket(listener.fd()));
  {
    const std::jthread receiving([&] { receiver.run(); });
    const ShutDownAtTheEnd over(listener);
    sender.run();
  }

  demonstration::Demonstration demo;
  demo.situation(fmt::format("{} messages, all acknowledged", messages));
  demo.shows("breaks of the connection", std::to_string(receiver.breaks));
  demo.shows("sent", std::to_string(sender.sent));
  demo.shows("resent", std::to_string(sender.resent));
  demo.shows("received", std::to_string(receiver.received));
  demo.shows("duplicates dropped", std::to_string(receiver.duplicates));
  demo.shows("missing", std::to_string(messages - receiver.received));
  demo.states("The connection broke, and messages were sent again.",
              receiver.breaks > 0 && sender.resent > 0);
  demo.states("Some of them had arrived already, and were dropped.", receiver.duplicates > 0);
  demo.states("Each message was taken exactly once, in order.",
              receiver.received == messages && receiver.skipped == 0);
  return demo.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine options("exactly-once", "Numbered messages, acknowledged and sent again.");
  std::string kind = "reset";
  options.text("--break", kind, "how the connection breaks", {"reset", "cable"});
  options.parse(argc, argv);
  return net::run_program("exactly-once", [&] {
    try {
      return exactly_once(kind);
    } catch (const demonstration::NotAllowed& reason) {
      fmt::print("skipped: {}\n", reason.what());
      return demonstration::skipped;
    }
  });
}
