// framed-server: sticky-server with a codec between the reads and the messages.
//
// Run:       build/bin/framed-server --codec length-prefix
//            then   build/bin/framed-client --codec length-prefix   in a second terminal
// Look for:  the reads (on stderr) are as accidental as before: --read-size 1 and --delay-ms 2000 change
//            them, and so does the client's --piece-size. The messages (on stdout) are the same every time.

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

#include "common/framing/codec.h"
#include "common/net/command_line.h"
#include "common/net/printable.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "labs/02-sticky-packets/accept_one.h"
#include "labs/02-sticky-packets/codec_choice.h"

namespace {

void show_messages(const net::FileDescriptor& connection, std::size_t read_size, framing::Codec& codec) {
  std::vector<char> buffer(read_size);
  for (std::int64_t number = 1;;) {
    const ssize_t received = recv(connection.fd(), buffer.data(), buffer.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) throw net::SystemError("recv");
    if (received == 0) return codec.end();  // throws if this is the middle of a message
    net::say("framed-server", fmt::format("read {} bytes", received));
    codec.feed(std::span(buffer).first(static_cast<std::size_t>(received)));
    while (const auto message = codec.next()) {
      fmt::print("message {}: {}\n", number++, net::printable(*message));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t delay_ms = 0;
  std::int64_t read_size = 1024;
  net::CommandLine options("framed-server",
                           "Shows the messages of one connection, however its bytes arrive.");
  const net::ListenOptions listen(options);
  const CodecChoice codec_choice(options);
  options.number("--delay-ms", delay_ms, 0, 3'600'000, "milliseconds between accept and the first read");
  options.number("--read-size", read_size, 1, 1 << 24, "bytes that one read may return at most");
  options.parse(argc, argv);
  const auto codec = codec_choice.make("framed-server");
  return net::run_program("framed-server", [&] {
    net::exit_on_signal();
    if (std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ) != 0) throw net::SystemError("setvbuf");
    const net::FileDescriptor connection = accept_one(listen.listen_and_announce());
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    try {
      show_messages(connection, static_cast<std::size_t>(read_size), *codec);
      return 0;
    } catch (const framing::FramingError& error) {
      // Where the next message begins is unknown now, and to go on would be to guess. Leaving this function
      // closes the connection.
      throw std::runtime_error(fmt::format("{}; closed the connection", error.what()));
    }
  });
}
