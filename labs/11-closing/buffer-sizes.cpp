// buffer-sizes: how large the buffers of a TCP connection are, by what getsockopt says.
//
// Run:       build/bin/buffer-sizes
// Look for:  the kernel starts with the middle figures of tcp_wmem and tcp_rmem and makes the buffers larger
//            by itself; what a program sets comes back doubled, has a least and a largest value, and stays as
//            it is. All is read from this machine's kernel; exit code 1 if it is not as described.

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>
#include <string>

#include "common/demonstration/connected_pair.h"
#include "common/demonstration/demonstration.h"
#include "common/net/command_line.h"
#include "common/net/listener.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

using demonstration::Buffers;
using demonstration::ConnectedPair;
using demonstration::Demonstration;

int size_of(const net::FileDescriptor& socket, int option) {
  int bytes = 0;
  socklen_t size = sizeof(bytes);
  if (getsockopt(socket.fd(), SOL_SOCKET, option, &bytes, &size) < 0) throw net::SystemError("getsockopt");
  return bytes;
}

int size_after_setting(const net::FileDescriptor& socket, int option, int asked) {
  if (setsockopt(socket.fd(), SOL_SOCKET, option, &asked, sizeof(asked)) < 0) {
    throw net::SystemError("setsockopt SO_SNDBUF or SO_RCVBUF");
  }
  return size_of(socket, option);
}

net::FileDescriptor new_socket() {
  net::FileDescriptor fresh{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fresh) throw net::SystemError("socket");
  return fresh;
}

// The three figures of tcp_rmem or tcp_wmem: the least, the first and the largest size that the kernel itself
// chooses. Source: tcp(7).
struct Range {
  int least = 0, first = 0, largest = 0;
};

Range kernel_range(Demonstration& demo, const std::string& name) {
  const std::string path = "/proc/sys/net/ipv4/" + name;
  std::ifstream file(path);
  Range range;
  if (!(file >> range.least >> range.first >> range.largest)) throw net::SystemError("read", path);
  demo.shows(name, fmt::format("{} {} {}", range.least, range.first, range.largest));
  return range;
}

void chosen_by_the_kernel(Demonstration& demo) {
  demo.situation("What the kernel chooses");
  const Range send_range = kernel_range(demo, "tcp_wmem");
  const Range receive_range = kernel_range(demo, "tcp_rmem");
  const net::FileDescriptor fresh = new_socket();
  demo.row("SO_SNDBUF before connect", std::to_string(size_of(fresh, SO_SNDBUF)),
           std::to_string(send_range.first));
  demo.row("SO_RCVBUF before connect", std::to_string(size_of(fresh, SO_RCVBUF)),
           std::to_string(receive_range.first));
  const ConnectedPair pair = demonstration::connected_pair();
  const int send_buffer = size_of(pair.ours, SO_SNDBUF);
  const int receive_buffer = size_of(pair.ours, SO_RCVBUF);
  demo.shows("SO_SNDBUF after connect", std::to_string(send_buffer));
  demo.shows("SO_RCVBUF after connect", std::to_string(receive_buffer));
  demo.states("The send buffer has grown, within tcp_wmem's last figure.",
              send_buffer > send_range.first && send_buffer <= send_range.largest);
  demo.states("The receive buffer hasn't shrunk, within tcp_rmem's last figure.",
              receive_buffer >= receive_range.first && receive_buffer <= receive_range.largest);
}

void doubled(Demonstration& demo) {
  demo.situation("What a program sets comes back doubled");
  const net::FileDescriptor fresh = new_socket();
  for (const int asked : {8192, 65536}) {
    demo.row(fmt::format("SO_SNDBUF after setting {}", asked),
             std::to_string(size_after_setting(fresh, SO_SNDBUF, asked)), std::to_string(2 * asked));
    demo.row(fmt::format("SO_RCVBUF after setting {}", asked),
             std::to_string(size_after_setting(fresh, SO_RCVBUF, asked)), std::to_string(2 * asked));
  }
}

void no_growth_any_more(Demonstration& demo) {
  demo.situation("An accepted socket has its listener's; and the kernel no longer changes them");
  const ConnectedPair pair = demonstration::connected_pair(Buffers{.send = 16384, .receive = 16384});
  demo.row("an accepted socket's SO_SNDBUF", std::to_string(size_of(pair.ours, SO_SNDBUF)), "32768");
  demo.row("an accepted socket's SO_RCVBUF", std::to_string(size_of(pair.ours, SO_RCVBUF)), "32768");
  demo.shows("bytes accepted by send, the peer reads none", std::to_string(demonstration::fill(pair.ours)));
  demo.row("SO_SNDBUF, full", std::to_string(size_of(pair.ours, SO_SNDBUF)), "32768");
  demo.row("the peer's SO_RCVBUF", std::to_string(size_of(pair.peer, SO_RCVBUF)), "32768");
}

void least_and_largest(Demonstration& demo) {
  demo.situation("There is a least and a largest size");
  const net::FileDescriptor fresh = new_socket();
  const int least_send = size_after_setting(fresh, SO_SNDBUF, 1);
  const int least_receive = size_after_setting(fresh, SO_RCVBUF, 1);
  demo.shows("SO_SNDBUF after setting 1", std::to_string(least_send));
  demo.shows("SO_RCVBUF after setting 1", std::to_string(least_receive));
  demo.states("No less than socket(7) says: 2048 to send, 256 to receive.",
              least_send >= 2048 && least_receive >= 256);
  for (const auto& [option, name, file_name] :
       {std::tuple{SO_SNDBUF, "SO_SNDBUF", "wmem_max"}, std::tuple{SO_RCVBUF, "SO_RCVBUF", "rmem_max"}}) {
    int largest = 0;
    if (std::ifstream(fmt::format("/proc/sys/net/core/{}", file_name)) >> largest) {
      demo.shows(file_name, std::to_string(largest));
      demo.row(fmt::format("{} after setting 1000000000", name),
               std::to_string(size_after_setting(fresh, option, 1'000'000'000)),
               std::to_string(2L * largest));
    } else {
      demo.shows(file_name, "can't be seen in this network namespace; left out");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("buffer-sizes", "Shows the sizes of the send and receive buffers.").parse(argc, argv);
  return net::run_program("buffer-sizes", [] {
    Demonstration demo;
    chosen_by_the_kernel(demo);
    doubled(demo);
    no_growth_any_more(demo);
    least_and_largest(demo);
    return demo.exit_code();
  });
}
