#include "common/harness/processes/server_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "common/net/connection.h"
#include "common/net/listener.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

// Between fork and exec only async-signal-safe calls are allowed. Ends with the errno of the call that failed
// in `report`, a pipe that exec closes.
[[noreturn]] void become_server(const ServerCommand& command, char* const* arguments, int out, int err,
                                int report, pid_t parent) {
  const auto fail = [report] {
    const int error = errno;
    [[maybe_unused]] const ssize_t ignored = write(report, &error, sizeof(error));
    _exit(127);
  };
  if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) fail();
  if (getppid() != parent) _exit(127);  // the parent died before prctl
  if (command.core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(static_cast<std::size_t>(*command.core), &cores);
    if (sched_setaffinity(0, sizeof(cores), &cores) < 0) fail();
  }
  if (command.descriptor_limit) {
    const rlimit limit{.rlim_cur = *command.descriptor_limit, .rlim_max = *command.descriptor_limit};
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fail();
  }
  // A Ctrl-C that reached the harness's process group before setpgid is the harness's, not the server's:
  // ignoring a signal discards it while it is blocked and pending (sigaction(2)).
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (::signal(signal, SIG_IGN) == SIG_ERR || ::signal(signal, SIG_DFL) == SIG_ERR) fail();
  }
  sigset_t none;
  sigemptyset(&none);
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || sigprocmask(SIG_SETMASK, &none, nullptr) < 0 || dup2(null, STDIN_FILENO) < 0 ||
      dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0) {
    fail();
  }
  if (null > STDERR_FILENO) close(null);
  execvp(arguments[0], arguments);
  fail();
  _exit(127);
}

std::vector<std::string> with_port(std::vector<std::string> words, const std::string& port) {
  for (std::string& word : words) {
    if (const auto at = word.find("{port}"); at != std::string::npos) word.replace(at, 6, port);
  }
  return words;
}

bool asks_for_port(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return word.find("{port}") != std::string::npos; });
}

net::Address announced_address(const std::string& server, const std::string& line) {
  static const std::string announcement = "listening on ";
  try {
    if (line.starts_with(announcement))
      return net::find_reachable(net::Address::parse(line.substr(announcement.size())));
  } catch (const std::invalid_argument&) {
    // no HOST:PORT: as wrong as any other line
  } catch (const net::UnresolvedHost& error) {
    throw ServerError(fmt::format("server '{}' announced a place that is none: {}", server, error.what()));
  }
  throw ServerError(fmt::format("server '{}' announced '{}' instead of 'listening on HOST:PORT'", server,
                                on_one_line(line, 60)));
}

bool accepts_connections(const net::Address& address) {
  const net::FileDescriptor probe{socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!probe) throw net::SystemError("socket");
  return connect(probe.fd(), address.data(), address.size()) == 0;
}

}  // namespace

std::string on_one_line(const std::string& text, std::size_t at_most) {
  std::string line = text.size() <= at_most ? text : text.substr(0, at_most - 3) + "...";
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return std::iscntrl(c) != 0; }, '?');
  return line;
}

std::uint16_t find_free_port() {
  return net::Address::of_socket(net::open_listener(net::Address::resolve("127.0.0.1", 0)).fd()).port();
}

ServerProcess::ServerProcess(const ServerCommand& command)
    : stdout_("server-stdout"), stderr_("server-stderr") {
  std::optional<std::uint16_t> port;
  if (asks_for_port(command.words)) port = find_free_port();
  start(command, with_port(command.words, std::to_string(port.value_or(0))));
  try {
    wait_until_ready(command, port);
  } catch (...) {
    kill_group();
    throw;
  }
}

ServerProcess::~ServerProcess() { kill_group(); }

void ServerProcess::start(const ServerCommand& command, const std::vector<std::string>& words) {
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) throw net::SystemError("pipe2");
  net::FileDescriptor report{ends[0]};
  net::FileDescriptor child_report{ends[1]};
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw net::SystemError("fork");
  if (pid_ == 0) {
    become_server(command, arguments.data(), stdout_.fd(), stderr_.fd(), child_report.fd(), parent);
  }
  child_report.close();
  int error = 0;
  if (read(report.fd(), &error, sizeof(error)) > 0) {
    kill_group();
    throw ServerError(fmt::format("server '{}' does not start: {}", words.front(), std::strerror(error)));
  }
}

void ServerProcess::wait_until_ready(const ServerCommand& command, std::optional<std::uint16_t> port) {
  const std::string name = on_one_line(fmt::format("{}", fmt::join(command.words, " ")), 100);
  const auto deadline = Clock::now() + command.start_timeout;
  for (;;) {
    if (!alive()) {
      if (WIFEXITED(*status_) && WEXITSTATUS(*status_) == net::cannot_run_here)
        throw CannotRunHere(last_words().empty() ? "can't run here" : last_words());
      const std::string reason = last_words().empty() ? "" : ": " + last_words();
      throw ServerError(fmt::format("server '{}' ended at once ({}){}", name, *wait_for_end(0ms), reason));
    }
    if (port) {
      address_ = net::Address::resolve("127.0.0.1", *port).front();
      if (accepts_connections(address_)) return;
    } else if (const std::string said = stdout_.contents(); said.find('\n') != std::string::npos) {
      address_ = announced_address(name, said.substr(0, said.find('\n')));
      return;
    }
    if (Clock::now() > deadline) {
      throw ServerError(
          fmt::format("server '{}' {} within {} s", name,
                      port ? fmt::format("did not accept connections on port {}", *port)
                           : std::string("never announced itself ('listening on HOST:PORT' on stdout)"),
                      command.start_timeout / 1s));
    }
    if (command.interruption != nullptr) command.interruption->check();
    std::this_thread::sleep_for(2ms);
  }
}

bool ServerProcess::alive() { return !wait_for_end(0ms); }

void ServerProcess::send_signal(int signal) const {
  if (!status_) kill(pid_, signal);
}

std::optional<std::string> ServerProcess::wait_for_end(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!status_) {
    int status = 0;
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    if (ended < 0 && errno != EINTR) throw net::SystemError("waitpid");
    if (ended == pid_) {
      status_ = status;
    } else if (Clock::now() >= deadline) {
      return std::nullopt;
    } else {
      std::this_thread::sleep_for(1ms);
    }
  }
  if (WIFEXITED(*status_)) return fmt::format("exit {}", WEXITSTATUS(*status_));
  return fmt::format("killed by signal {} ({})", WTERMSIG(*status_), strsignal(WTERMSIG(*status_)));
}

std::string ServerProcess::last_words() const {
  struct stat file {};
  if (fstat(stderr_.fd(), &file) < 0) throw net::SystemError("fstat");
  std::string said = stderr_.contents(std::max<off_t>(0, file.st_size - 4096));
  while (!said.empty() && said.back() == '\n') said.pop_back();
  return on_one_line(said.substr(said.rfind('\n') + 1), 300);
}

void ServerProcess::kill_group() noexcept {
  if (pid_ <= 0) return;
  kill(-pid_, SIGKILL);  // its forked children too
  while (!status_) {
    int status = 0;
    if (waitpid(pid_, &status, 0) == pid_ || errno != EINTR) status_ = status;
  }
}

}  // namespace harness
