// framed-client: sticky-client with a codec: each message goes out as a frame that says where it ends.
//
// Run:       build/bin/framed-client --codec length-prefix      (beside build/bin/framed-server)
// Look for:  --piece-size 3 cuts the stream without any regard for the frames, one send a piece (on stderr),
//            and the server still shows the same messages. Beside build/bin/sticky-server, the bytes
//            themselves are to be seen: a length prefix reads \x00\x00\x00\x0e.

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "common/framing/codec.h"
#include "common/net/command_line.h"
#include "common/net/listener.h"
#include "common/net/printable.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "labs/02-sticky-packets/codec_choice.h"
#include "labs/02-sticky-packets/messages.h"

namespace {

// All frames, one behind the other, and where each of them ends.
struct Stream {
  std::string bytes;
  std::vector<std::size_t> frame_ends;
};

Stream encode_all(const MessageOptions& messages, const framing::Codec& codec) {
  Stream stream;
  for (std::int64_t number = 1; number <= messages.count(); ++number) {
    codec.encode(messages.message(number), stream.bytes);
    stream.frame_ends.push_back(stream.bytes.size());
  }
  return stream;
}

// Where the stream is to be cut: behind each frame, or every `piece_size` bytes.
std::vector<std::size_t> cuts(const Stream& stream, std::size_t piece_size) {
  if (piece_size == 0) return stream.frame_ends;
  std::vector<std::size_t> ends;
  for (std::size_t end = piece_size; end < stream.bytes.size(); end += piece_size) ends.push_back(end);
  ends.push_back(stream.bytes.size());
  return ends;
}

void send_piece(const net::FileDescriptor& connection, std::span<const char> unsent) {
  while (!unsent.empty()) {
    const ssize_t sent = send(connection.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) throw net::SystemError("send");
    net::say("framed-client", fmt::format("sent {} bytes", sent));
    unsent = unsent.subspan(static_cast<std::size_t>(sent));
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t piece_size = 0;
  std::int64_t gap_ms = 0;
  bool nodelay = false;
  net::CommandLine options("framed-client", "Sends messages as frames, in whatever pieces.");
  const net::ConnectOptions connect(options);
  const CodecChoice codec_choice(options);
  const MessageOptions messages(options);
  options.number("--piece-size", piece_size, 1, 1 << 30, "bytes in each send (without it: a send a message)");
  options.number("--gap-ms", gap_ms, 0, 3'600'000, "milliseconds between two sends");
  options.flag("--nodelay", nodelay, "sets TCP_NODELAY");
  options.parse(argc, argv);
  messages.check("framed-client");
  const auto codec = codec_choice.make("framed-client");
  Stream stream;
  try {
    stream = encode_all(messages, *codec);
  } catch (const framing::FramingError& error) {
    net::CommandLine::fail("framed-client", error.what());
  }
  return net::run_program("framed-client", [&] {
    if (std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ) != 0) throw net::SystemError("setvbuf");
    const net::FileDescriptor connection = connect.connect();
    if (nodelay) net::disable_nagle(connection);
    std::size_t sent = 0;
    std::size_t messages_sent = 0;
    for (const std::size_t cut : cuts(stream, static_cast<std::size_t>(piece_size))) {
      if (sent > 0) std::this_thread::sleep_for(std::chrono::milliseconds(gap_ms));
      send_piece(connection, std::span(stream.bytes).subspan(sent, cut - sent));
      sent = cut;
      for (; messages_sent < stream.frame_ends.size() && stream.frame_ends[messages_sent] <= sent;
           ++messages_sent) {
        const auto number = static_cast<std::int64_t>(messages_sent) + 1;
        fmt::print("message {}: {}\n", number, net::printable(messages.message(number)));
      }
    }
    return 0;
  });
}
