// sticky-server: takes one connection, does something else for a while, then reads; shows what each read
// returned.
//
// Run:       build/bin/sticky-server                    (port 9000, reads after 2 seconds)
//            then   build/bin/sticky-client   in a second terminal
// Look for:  the client sent two messages with two sends, and one read returns both of them: "read 28 bytes".
//            Nothing is lost and nothing is out of order, but where one message ended is not in the bytes.
//            --read-size 10: three reads, and none of them is a message.

#include <fmt/format.h>
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
#include "common/net/printable.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "labs/02-sticky-packets/accept_one.h"

namespace {

void show_reads(const net::FileDescriptor& connection, std::size_t read_size) {
  std::vector<char> buffer(read_size);
  for (;;) {
    const ssize_t received = recv(connection.fd(), buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) throw net::SystemError("recv");
    if (received == 0) return;  // the client has closed
    const auto bytes = std::span(buffer).first(static_cast<std::size_t>(received));
    fmt::print("read {} bytes: {}\n", bytes.size(), net::printable(bytes));
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t delay_ms = 2000;
  std::int64_t read_size = 1024;
  net::CommandLine options("sticky-server", "Shows what each read of one connection returns.");
  const net::ListenOptions listen(options);
  options.number("--delay-ms", delay_ms, 0, 3'600'000, "milliseconds between accept and the first read");
  options.number("--read-size", read_size, 1, 1 << 24, "bytes that one read may return at most");
  options.parse(argc, argv);
  return net::run_program("sticky-server", [&] {
    net::exit_on_signal();
    // Each line goes out when it is whole, into a pipe too.
    if (std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ) != 0) throw net::SystemError("setvbuf");
    const net::FileDescriptor connection = accept_one(listen.listen_and_announce());
    // The kernel goes on receiving meanwhile. What comes waits in the receive buffer, one byte behind the
    // other.
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    show_reads(connection, static_cast<std::size_t>(read_size));
    return 0;
  });
}
