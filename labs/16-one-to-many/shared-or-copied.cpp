// shared-or-copied: the bill for lines that wait for many listeners: a copy in each queue, or one for all.
//
// Run:       build/bin/shared-or-copied [--listeners 1000] [--lines 64] [--line-bytes 1000]
// Look for:  the same lines are put into the queues of all listeners in three ways, then sent. What the
// program
//            copies and what its memory grows by is the listeners' number apart; what send copies into the
//            kernel is the same in all three. Sharing pays where lines wait, and nowhere else.
//            A row is a process of its own: memory that was given back would disturb the next one.

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/kernel/numbers.h"
#include "common/net/command_line.h"
#include "common/net/file_descriptor.h"
#include "common/net/pending_bytes.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

constexpr const char* program = "shared-or-copied";

using Line = std::shared_ptr<const std::string>;

// Two ends of a connection: what one end's send has taken is read from the other at once.
class Connection {
 public:
  Connection() {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) < 0)
      throw net::SystemError("socketpair");
    sender_ = net::FileDescriptor(ends[0]);
    reader_ = net::FileDescriptor(ends[1]);
  }

  void send_all(std::span<const char> bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(sender_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && !net::is_try_again(errno)) throw net::SystemError("send");
      if (sent > 0) {
        taken_ += static_cast<std::size_t>(sent);
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
      }
      while (recv(reader_.fd(), buffer_.data(), buffer_.size(), 0) > 0) {
      }
    }
  }

  std::size_t taken() const { return taken_; }

 private:
  net::FileDescriptor sender_;
  net::FileDescriptor reader_;
  std::array<char, 64 * 1024> buffer_{};
  std::size_t taken_ = 0;
};

// Each way to keep lines: add() returns how many bytes it has copied.

class Bytes {
 public:
  std::size_t add(const Line& line) {
    const std::span<const char> before = pending_.bytes();
    pending_.append(*line);
    const bool moved = pending_.bytes().data() != before.data();  // what was there, too: it had to grow
    return line->size() + (moved ? before.size() : 0);
  }
  void send_all(Connection& connection) const { connection.send_all(pending_.bytes()); }

 private:
  net::PendingBytes pending_;
};

class Copies {
 public:
  std::size_t add(const Line& line) {
    lines_.push_back(*line);
    return line->size();
  }
  void send_all(Connection& connection) const {
    for (const std::string& line : lines_) connection.send_all(line);
  }

 private:
  std::vector<std::string> lines_;
};

class Shares {
 public:
  std::size_t add(const Line& line) {
    lines_.push_back(line);
    return 0;
  }
  void send_all(Connection& connection) const {
    for (const Line& line : lines_) connection.send_all(*line);
  }

 private:
  std::vector<Line> lines_;
};

struct Size {
  std::size_t listeners = 0;
  std::size_t lines = 0;
  std::size_t line_bytes = 0;
};

std::int64_t resident_bytes() {
  const auto kilobytes = kernel::number_behind("Rss:", "/proc/self/smaps_rollup");
  if (!kilobytes) throw std::runtime_error("/proc/self/smaps_rollup says nothing of resident memory");
  return *kilobytes * 1024;
}

template <typename Queue>
void measure(const char* what, const Size& size) {
  Connection connection;
  const std::int64_t before = resident_bytes();
  std::vector<Queue> queues(size.listeners);
  std::size_t copied = 0;
  for (std::size_t i = 0; i < size.lines; ++i) {
    // To put it together costs a copy as well: one, however many listen.
    const Line line = std::make_shared<const std::string>(size.line_bytes, 'x');
    copied += line->size();
    for (Queue& queue : queues) copied += queue.add(line);
  }
  const std::int64_t grown = resident_bytes() - before;
  for (const Queue& queue : queues) queue.send_all(connection);
  const auto in_mb = [](auto bytes) { return fmt::format("{:.2f} MB", static_cast<double>(bytes) / 1e6); };
  fmt::print("{:<28} {:>14} {:>16} {:>15}\n", what, in_mb(copied), in_mb(grown), in_mb(connection.taken()));
}

// Runs it in a child, and waits for its end.
template <typename Body>
void in_a_process_of_its_own(const Body& body) {
  if (std::fflush(stdout) != 0) throw net::SystemError("write to stdout");
  const pid_t child = fork();
  if (child < 0) throw net::SystemError("fork");
  if (child == 0) {
    _exit(net::run_program(program, [&body] {
      body();
      if (std::fflush(stdout) != 0) throw net::SystemError("write to stdout");
      return 0;
    }));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw net::SystemError("waitpid");
  }
  if (status != 0) throw std::runtime_error("a row is missing: see above");
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t listeners = 1000;
  std::int64_t lines = 64;
  std::int64_t line_bytes = 1000;
  net::CommandLine options(program,
                           "What lines that wait for many listeners cost: copied, and one shared by all.");
  options.number("--listeners", listeners, 1, 100'000, "who don't take their lines yet");
  options.number("--lines", lines, 1, 10'000, "that wait for each of them");
  options.number("--line-bytes", line_bytes, 1, 1000, "of a line");
  options.parse(argc, argv);
  return net::run_program(program, [&] {
    const Size size{.listeners = static_cast<std::size_t>(listeners),
                    .lines = static_cast<std::size_t>(lines),
                    .line_bytes = static_cast<std::size_t>(line_bytes)};
    fmt::print("{} lines of {} bytes wait for each of {} listeners\n", lines, line_bytes, listeners);
    fmt::print("{:<28} {:>14} {:>16} {:>15}\n", "a queue keeps", "program copies", "memory grows by",
               "then send takes");
    in_a_process_of_its_own([&size] { measure<Bytes>("bytes, as our rooms do", size); });
    in_a_process_of_its_own([&size] { measure<Copies>("a copy of each line", size); });
    in_a_process_of_its_own([&size] { measure<Shares>("a share of the one line", size); });
    return 0;
  });
}
