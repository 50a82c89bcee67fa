// absorbed-bytes: how much can be sent to a peer that never reads, before send would wait? For several sizes
// of the buffers.
//
// Run:       build/bin/absorbed-bytes
// Look for:  three columns that one takes for the same: what was asked for with SO_SNDBUF and SO_RCVBUF, what
//            getsockopt says then, and how many bytes the two queues really took. The first row asks for
//            nothing: there the kernel tunes.
// Verdict:   what send has accepted is in one of the two queues, to the byte. Exit code 1 if not.

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "common/demonstration/connected_pair.h"
#include "common/net/command_line.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "common/timeline/live_display.h"
#include "common/timeline/socket_queues.h"

namespace {

using timeline::grouped;

// Sends messages until there has been no room for 300 ms: what is sent goes on from one queue to the other
// for a moment, and an acknowledgement may be delayed by up to 200 ms. Returns the bytes that send has
// accepted.
std::int64_t fill(const net::FileDescriptor& connection, const std::vector<char>& message) {
  std::int64_t accepted = 0;
  for (;;) {
    const ssize_t sent = send(connection.fd(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) accepted += sent;
    if (sent >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) throw net::SystemError("send");
    pollfd room{.fd = connection.fd(), .events = POLLOUT, .revents = 0};
    const int ready = poll(&room, 1, 300);
    if (ready < 0 && errno != EINTR) throw net::SystemError("poll");
    if (ready == 0) return accepted;
  }
}

// One row of the table. 0 asks for nothing. True if both queues together hold what was accepted.
bool measure(int asked_send, int asked_receive, const std::vector<char>& message) {
  const auto [reader, writer] = demonstration::connected_pair({.send = asked_send, .receive = asked_receive});
  const std::int64_t send_buffer = timeline::send_buffer(writer);
  const std::int64_t receive_buffer = timeline::receive_buffer(reader);
  const std::int64_t accepted = fill(writer, message);
  // Acknowledged is what has left the one queue, and lies in the other one.
  const std::int64_t waiting = timeline::unacknowledged_bytes(writer);
  const std::int64_t unread = timeline::unread_bytes(reader);
  const auto asked = [](int bytes) { return bytes == 0 ? std::string("default") : grouped(bytes); };
  fmt::print("{:>9} {:>9} |{:>10} {:>10} |{:>10} =={:>10} +{:>9}\n", asked(asked_send), asked(asked_receive),
             grouped(send_buffer), grouped(receive_buffer), grouped(accepted), grouped(waiting),
             grouped(unread));
  return accepted == waiting + unread;
}

bool measure_all(std::int64_t size) {
  const std::vector<char> message(static_cast<std::size_t>(size));
  fmt::print("sending messages of {} bytes to a peer that never reads\n\n", size);
  fmt::print("{:^19} |{:^21} |{:^34}\n", "asked for", "getsockopt says", "really absorbed");
  fmt::print("{:>9} {:>9} |{:>10} {:>10} |{:>10}   {:>10}  {:>9}\n", "SO_SNDBUF", "SO_RCVBUF", "SO_SNDBUF",
             "SO_RCVBUF", "in all", "send q.", "recv q.");
  bool good = measure(0, 0, message);
  for (const int bytes : {1, 4096, 16'384, 65'536, 262'144, 1'048'576})
    good = measure(bytes, bytes, message) && good;
  good = measure(4096, 262'144, message) && good;
  good = measure(262'144, 4096, message) && good;
  fmt::print("\nverdict: {}\n", good ? "every byte that send accepted is in one of the two queues"
                                     : "NOT as described: accepted bytes are in neither queue");
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  const char* program = "absorbed-bytes";
  std::int64_t size = 64;
  net::CommandLine line(program, "Measures how much is absorbed for a peer that never reads, in a table.");
  line.number("--size", size, 1, 1 << 20, "bytes handed over with one send");
  line.parse(argc, argv);
  return net::run_program(program, [size] { return measure_all(size) ? 0 : 1; });
}
