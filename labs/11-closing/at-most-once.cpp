// at-most-once: numbered messages over a connection that breaks. Each send succeeds, and still messages are
// lost.
//
// Run:       build/bin/at-most-once
// Look for:  when the connection has broken, the sender connects again and goes on with the message whose
//            send failed. Those before it had been accepted by send, and nobody knows what became of them.
//            exactly-once is the cure; diff shows it. Exit code 1 if it is not as described.

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <thread>

#include "common/demonstration/connected_pair.h"
#include "common/demonstration/demonstration.h"
#include "common/net/address.h"
#include "common/net/command_line.h"
#include "common/net/connection.h"
#include "common/net/listener.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

constexpr std::int64_t messages = 20'000;

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
  Receiver(const net::FileDescriptor& listener, std::set<std::int64_t> break_after)
      : listener_(listener), break_after_(std::move(break_after)) {}

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

  std::int64_t breaks = 0, received = 0;

 private:
  void serve(net::FileDescriptor connection) {
    Message message;
    while (receive(connection, message)) {
      ++received;
      if (break_after_.erase(received) > 0 && more_is_here(connection)) {
        ++breaks;
        return demonstration::reset_on_close(connection);
      }
    }
  }

  // Waits for the next bytes, so that it is certain that a break loses something.
  static bool more_is_here(const net::FileDescriptor& connection) {
    char byte = 0;
    return recv(connection.fd(), &byte, 1, MSG_PEEK) > 0;
  }

  const net::FileDescriptor& listener_;
  std::set<std::int64_t> break_after_;  // so many messages
};

class Sender {
 public:
  explicit Sender(net::Address receiver) : receiver_(receiver) {}

  void run() {
    std::int64_t next = 1;
    while (!deliver(net::connect_to(receiver_), next)) {
    }
  }

  std::int64_t sent = 0;

 private:
  // False when the connection breaks: then `next` is the message whose send failed.
  bool deliver(const net::FileDescriptor& connection, std::int64_t& next) {
    net::disable_nagle(connection);
    for (; next <= messages; ++next) {
      if (!transmit(connection, Message{.number = next})) return false;
      ++sent;
    }
    // The receiver closes when it has read to our end: nothing is lost by ending too soon.
    if (shutdown(connection.fd(), SHUT_WR) < 0) return true;
    char end = 0;
    receive(connection, end);
    return true;
  }

  net::Address receiver_;
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

int at_most_once() {
  const net::FileDescriptor listener = net::open_listener(net::Address::resolve("127.0.0.1", 0));
  Receiver receiver(listener, {5007, 10'007, 15'007});
  Sender sender(net::Address::of_socket(listener.fd()));
  {
    const std::jthread receiving([&] { receiver.run(); });
    const ShutDownAtTheEnd over(listener);
    sender.run();
  }

  demonstration::Demonstration demo;
  demo.situation(fmt::format("{} messages, not acknowledged", messages));
  demo.shows("breaks of the connection", std::to_string(receiver.breaks));
  demo.shows("sent, each with success", std::to_string(sender.sent));
  demo.shows("received", std::to_string(receiver.received));
  demo.shows("missing", std::to_string(messages - receiver.received));
  demo.states("The connection broke.", receiver.breaks > 0);
  demo.states("Messages that send had accepted are lost.",
              sender.sent == messages && receiver.received < messages);
  return demo.exit_code();
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("at-most-once", "Numbered messages, not acknowledged.").parse(argc, argv);
  return net::run_program("at-most-once", at_most_once);
}
