// first-client: reads a line, sends it, prints the reply, until the input ends. Its server is an echo server:
// so it knows that a reply is as long as the line. (TCP does not tell: lab 02.)
//
// Run:       build/bin/first-client --port 9000           type lines; Ctrl-D ends the input
//            printf 'one\ntwo\n' | build/bin/first-client --port 9000
// Look for:  it waits in poll alone, for whatever comes first: the keyboard, the server's bytes, room to
//            send. So it notices at once when the server goes, and it takes the reply to a long line while it
//            still sends that line: a client that sent all of it first would wait for the server, and the
//            server for the client.

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "common/net/command_line.h"
#include "common/net/file_descriptor.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

// Waits until something of what is asked for has happened; `revents` then tells what.
void wait_for(std::span<pollfd> watched) {
  while (poll(watched.data(), watched.size(), -1) < 0) {
    if (errno != EINTR) throw net::SystemError("poll");
  }
}

short wait_for(int fd, short events) {
  pollfd watched{.fd = fd, .events = events, .revents = 0};
  wait_for({&watched, 1});
  return watched.revents;
}

void print(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
    if (written >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) throw net::SystemError("write to stdout");
    wait_for(STDOUT_FILENO, POLLOUT);  // who shares the terminal or pipe with us has made it non-blocking
  }
}

// Standard input, line by line. One read can bring many lines, or a part of one.
class Input {
 public:
  bool has_ended() const { return ended_; }
  std::size_t unfinished() const { return text_.size() - begin_; }

  // Waits while there is nothing; so call it when poll says that there is.
  void read_more() {
    text_.erase(0, std::exchange(begin_, 0));
    searched_ = text_.size();
    const ssize_t count = read(STDIN_FILENO, buffer_.data(), buffer_.size());
    if (count < 0 && net::is_try_again(errno)) return;
    if (count < 0) throw net::SystemError("read from stdin");
    text_.append(buffer_.data(), static_cast<std::size_t>(count));
    ended_ = count == 0;
  }

  // The next whole line with its line feed; at the end of the input also a line without one.
  std::optional<std::string> next_line() {
    const std::size_t line_feed = text_.find('\n', searched_);
    if (line_feed == std::string::npos && !(ended_ && unfinished() > 0)) {
      searched_ = text_.size();  // not to be searched again: a long line comes in many pieces
      return std::nullopt;
    }
    const std::size_t end = std::min(line_feed, text_.size() - 1) + 1;
    searched_ = end;
    const std::size_t begin = std::exchange(begin_, end);
    return text_.substr(begin, end - begin);
  }

 private:
  std::string text_;
  std::size_t begin_ = 0;     // where the next line begins
  std::size_t searched_ = 0;  // no line feed from begin_ to here
  bool ended_ = false;
  std::array<char, 64 * 1024> buffer_{};
};

class Conversation {
 public:
  explicit Conversation(net::FileDescriptor server) : server_(std::move(server)) {}

  void run() {
    while (const std::optional<std::string> line = next_line()) exchange(*line);
    end();
  }

 private:
  // Waits for the keyboard and for the server: it may go while nobody types.
  std::optional<std::string> next_line() {
    std::optional<std::string> line;
    while (!(line = input_.next_line()) && !input_.has_ended()) {
      prompt();
      std::array<pollfd, 2> watched{{{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                     {.fd = server_.fd(), .events = POLLIN, .revents = 0}}};
      wait_for(watched);
      if (watched[1].revents != 0 && !receive()) gone("recv returned 0: the end");
      if (watched[0].revents != 0) input_.read_more();
    }
    leave_prompt(!line);
    return line;
  }

  // Sends the line and takes its reply, both as they can go.
  void exchange(std::span<const char> unsent) {
    line_ = missing_ = unsent.size();
    std::string failure;
    while (missing_ > 0 || !unsent.empty() || !failure.empty()) {
      const short ready = wait_for(server_.fd(), unsent.empty() ? POLLIN : POLLIN | POLLOUT);
      if ((ready & ~POLLOUT) != 0 && !receive()) {
        gone(failure.empty() ? "recv returned 0: the end" : failure);
      }
      if ((ready & POLLOUT) == 0 || unsent.empty()) continue;
      const ssize_t sent = send(server_.fd(), unsent.data(), unsent.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) unsent = unsent.subspan(static_cast<std::size_t>(sent));
      if (sent >= 0 || net::is_try_again(errno)) continue;
      failure = fmt::format("send: {}", std::strerror(errno));
      unsent = {};  // what the server had sent before is still to be read; behind it comes the end
    }
    line_ = 0;
  }

  // Says that no more will come, and waits until the server says the same.
  void end() {
    if (shutdown(server_.fd(), SHUT_WR) < 0 && errno != ENOTCONN) throw net::SystemError("shutdown");
    do wait_for(server_.fd(), POLLIN);
    while (receive());
  }

  // Prints what has come. False at the end of the stream.
  bool receive() {
    const ssize_t received = recv(server_.fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (received < 0 && net::is_try_again(errno)) return true;
    if (received < 0) gone(fmt::format("recv: {}", std::strerror(errno)));
    const auto count = static_cast<std::size_t>(received);
    print(std::span(buffer_).first(count));
    missing_ -= std::min(missing_, count);
    return count > 0;
  }

  [[noreturn]] void gone(const std::string& how) {
    leave_prompt(true);
    std::string standing = "no reply was due";
    if (line_ > 0)
      standing = fmt::format("{} of this line's {} bytes had come back", line_ - missing_, line_);
    if (line_ == 0 && input_.unfinished() > 0) {
      standing += fmt::format(", an unfinished line of {} bytes was not sent", input_.unfinished());
    }
    throw std::runtime_error(fmt::format("the server has gone ({}); {}", how, standing));
  }

  void prompt() {
    if (!at_terminal_ || prompted_) return;
    print(std::string("> "));
    prompted_ = true;
  }

  // `unanswered`: no line was typed behind it, so the cursor still stands there.
  void leave_prompt(bool unanswered) {
    if (std::exchange(prompted_, false) && unanswered) print(std::string("\n"));
  }

  net::FileDescriptor server_;
  Input input_;
  std::size_t line_ = 0;     // bytes of the line that is under way; 0 between lines
  std::size_t missing_ = 0;  // bytes of its reply that haven't come yet
  bool prompted_ = false;
  const bool at_terminal_ = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  std::array<char, 64 * 1024> buffer_{};
};

// A standard stream that is closed would give its number to the next descriptor, the connection: what is
// meant for the screen would go to the server.
void require_open(int fd, const char* name) {
  if (fcntl(fd, F_GETFD) < 0) throw std::runtime_error(fmt::format("{} is closed", name));
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine options("first-client",
                           "Sends each line of its input to an echo server and prints the reply.");
  const net::ConnectOptions server(options);
  options.parse(argc, argv);
  return net::run_program("first-client", [&] {
    require_open(STDIN_FILENO, "stdin");
    require_open(STDOUT_FILENO, "stdout");
    require_open(STDERR_FILENO, "stderr");
    Conversation(server.connect()).run();
    return 0;
  });
}
