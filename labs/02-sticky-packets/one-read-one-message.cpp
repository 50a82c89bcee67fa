// one-read-one-message: a mistake. It takes what one read returns for one message.
//
// Run:       build/bin/one-read-one-message --messages 2 --size 14
//            then   build/bin/sticky-client --messages 2 --size 14 --gap-ms 100   in a second terminal
// Look for:  with small messages and pauses all is well, so it passes its tests. Without the pauses, with
//            larger messages, or with a server that is busy for a moment (--delay-ms 500), it gets parts of
//            messages and several at once. No byte is missing: what it lost is where the messages end.

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <thread>
#include <vector>

#include "common/net/command_line.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "labs/02-sticky-packets/accept_one.h"
#include "labs/02-sticky-packets/believed_messages.h"

namespace {

void take_messages(const net::FileDescriptor& connection, std::size_t read_size, BelievedMessages& messages) {
  std::vector<char> buffer(read_size);
  for (;;) {
    const ssize_t received = recv(connection.fd(), buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) throw net::SystemError("recv");
    if (received == 0) return;
    messages.take(std::span(buffer).first(static_cast<std::size_t>(received)));  // the mistake
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t delay_ms = 0;
  std::int64_t read_size = 1024;
  net::CommandLine options("one-read-one-message", "A mistake: takes what one read returns for one message.");
  const net::ListenOptions listen(options);
  BelievedMessages messages(options);
  options.number("--delay-ms", delay_ms, 0, 3'600'000, "milliseconds between accept and the first read");
  options.number("--read-size", read_size, 1, 1 << 24, "bytes that one read may return at most");
  options.parse(argc, argv);
  return net::run_program("one-read-one-message", [&] {
    net::exit_on_signal();
    if (std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ) != 0) throw net::SystemError("setvbuf");
    const net::FileDescriptor connection = accept_one(listen.listen_and_announce());
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    take_messages(connection, static_cast<std::size_t>(read_size), messages);
    messages.report();
    return 0;
  });
}
