// sticky-client: sends some messages, each with one send, and says so.
//
// Run:       build/bin/sticky-client --port 9000        (beside build/bin/sticky-server)
// Look for:  two lines "sent 14 bytes" here, one line "read 28 bytes" there. Then try what seems to cure it:
//            --gap-ms 100 (a pause between the sends) and --nodelay (TCP_NODELAY), with a server that reads
//            late and with one that reads at once (sticky-server --delay-ms 0).

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <thread>

#include "common/net/command_line.h"
#include "common/net/listener.h"
#include "common/net/printable.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "labs/02-sticky-packets/messages.h"

namespace {

void pause_ms(std::int64_t duration) { std::this_thread::sleep_for(std::chrono::milliseconds(duration)); }

// One send for one message. A blocking send that takes less than all of it is rare (a signal came while it
// waited for room), but it happens: then the rest goes with another send.
void send_message(const net::FileDescriptor& connection, std::span<const char> message) {
  for (std::span<const char> unsent = message; !unsent.empty();) {
    const ssize_t result = send(connection.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) throw net::SystemError("send");
    const auto sent = unsent.first(static_cast<std::size_t>(result));
    fmt::print("sent {} bytes: {}\n", sent.size(), net::printable(sent));
    unsent = unsent.subspan(sent.size());
    if (!unsent.empty()) {
      net::say("sticky-client",
               fmt::format("a short send: {} bytes are left of {}", unsent.size(), message.size()));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t gap_ms = 0;
  std::int64_t hold_ms = 0;
  bool nodelay = false;
  net::CommandLine options("sticky-client", "Sends messages, each with one send.");
  const net::ConnectOptions connect(options);
  const MessageOptions messages(options);
  options.number("--gap-ms", gap_ms, 0, 3'600'000, "milliseconds between two messages");
  options.flag("--nodelay", nodelay, "sets TCP_NODELAY");
  options.number("--hold-ms", hold_ms, 0, 3'600'000, "milliseconds between the last message and close");
  options.parse(argc, argv);
  messages.check("sticky-client");
  if (messages.message(1).empty()) {
    net::CommandLine::fail("sticky-client",
                           "--text takes at least one byte: sending none is sending nothing");
  }
  return net::run_program("sticky-client", [&] {
    if (std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ) != 0) throw net::SystemError("setvbuf");
    const net::FileDescriptor connection = connect.connect();
    if (nodelay) net::disable_nagle(connection);
    for (std::int64_t number = 1; number <= messages.count(); ++number) {
      if (number > 1) pause_ms(gap_ms);
      send_message(connection, messages.message(number));
    }
    pause_ms(hold_ms);
    return 0;
  });
}
