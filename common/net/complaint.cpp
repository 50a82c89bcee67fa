#include "common/net/complaint.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <utility>

namespace net {

namespace {

void say_line(const char* program, const char* separator, const char* message) noexcept {
  std::array<char, PIPE_BUF> line{};
  const int length = std::snprintf(line.data(), line.size() - 1, "%s%s%s", program, separator, message);
  if (length < 0) return;
  std::size_t size = std::min(static_cast<std::size_t>(length), line.size() - 2);
  line[size++] = '\n';
  // Not O_NONBLOCK: the flag would belong to everybody who has this terminal or pipe for a stderr. A pipe is
  // writable when it has room for PIPE_BUF bytes (pipe(7)).
  pollfd waiting{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLOUT) != 0) {
    static_cast<void>(write(STDERR_FILENO, line.data(), size) < 0);
  }
}

}  // namespace

void say(const std::string& program, const std::string& message) noexcept {
  say_line(program.c_str(), ": ", message.c_str());
}

void say(const std::string& message) noexcept { say_line("", "", message.c_str()); }

void Complaint::say(const std::string& message) noexcept {
  if (!std::exchange(is_said_, true)) net::say(program_invocation_short_name, message + " (said once)");
}

}  // namespace net
