// eagain-ends-message: a mistake. It reads until there is nothing more (EAGAIN) and takes that for one
// message.
//
// Run:       build/bin/eagain-ends-message --messages 10 --size 1000000
//            then   build/bin/sticky-client --messages 10 --size 1000000   in a second terminal
// Look for:  it seems cleverer than one-read-one-message, since it holds messages of any size. But EAGAIN
//            says "nothing more has arrived yet", not "the message is complete": a large message is cut
//            wherever the reader was faster than the network, and messages stick together wherever it was
//            slower (--delay-ms 500).

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

#include "common/net/command_line.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "labs/02-sticky-packets/accept_one.h"
#include "labs/02-sticky-packets/believed_messages.h"

namespace {

void wait_readable(const net::FileDescriptor& connection) {
  pollfd watched{.fd = connection.fd(), .events = POLLIN, .revents = 0};
  while (poll(&watched, 1, -1) < 0) {
    if (errno != EINTR) throw net::SystemError("poll");
  }
}

void take_messages(const net::FileDescriptor& connection, BelievedMessages& messages) {
  std::array<char, 16 * 1024> buffer{};
  std::vector<char> message;
  for (;;) {
    const ssize_t received = recv(connection.fd(), buffer.data(), buffer.size(), 0);
    if (received > 0) {
      message.insert(message.end(), buffer.data(), buffer.data() + received);
    } else if (received < 0 && errno == EINTR) {
      continue;
    } else if (received < 0 && errno != EAGAIN) {
      throw net::SystemError("recv");
    } else {
      if (!message.empty()) messages.take(message);  // the mistake
      message.clear();
      if (received == 0) return;
      wait_readable(connection);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t delay_ms = 0;
  net::CommandLine options("eagain-ends-message",
                           "A mistake: takes what it can read until EAGAIN for one message.");
  const net::ListenOptions listen(options);
  BelievedMessages messages(options);
  options.number("--delay-ms", delay_ms, 0, 3'600'000, "milliseconds between accept and the first read");
  options.parse(argc, argv);
  return net::run_program("eagain-ends-message", [&] {
    net::exit_on_signal();
    if (std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ) != 0) throw net::SystemError("setvbuf");
    const net::FileDescriptor connection = accept_one(listen.listen_and_announce());
    net::set_nonblocking(connection);
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    take_messages(connection, messages);
    messages.report();
    return 0;
  });
}
