#include "common/harness/processes/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "common/harness/processes/server_process.h"
#include "common/net/connection.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto start_timeout = 10s;

// The whole lines: the program may be in the middle of one.
std::vector<std::string> lines_of(const MemoryFile& file) {
  const std::string text = file.contents();
  std::istringstream stream(text.substr(0, text.rfind('\n') + 1));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

cpu_set_t set_of(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(static_cast<std::size_t>(core), &set);
  return set;
}

// Between fork and exec only async-signal-safe calls are allowed. Ends with the errno of the call that failed
// in `report`, a pipe that exec closes.
[[noreturn]] void become(char* const* words, const cpu_set_t* cores, int out, int err, int report,
                         pid_t parent) {
  const auto prepared = [&] {
    if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return false;
    if (getppid() != parent) _exit(127);  // the parent died before prctl
    if (cores != nullptr && sched_setaffinity(0, sizeof(*cores), cores) < 0) return false;
    // A Ctrl-C that came before setpgid was the harness's: ignoring a pending signal discards it
    // (sigaction(2)).
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      if (::signal(signal, SIG_IGN) == SIG_ERR || ::signal(signal, SIG_DFL) == SIG_ERR) return false;
    }
    sigset_t none;
    sigemptyset(&none);
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return null >= 0 && sigprocmask(SIG_SETMASK, &none, nullptr) == 0 && dup2(null, STDIN_FILENO) >= 0 &&
           dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0;
  };
  if (prepared()) execv(words[0], words);
  const int error = errno;
  [[maybe_unused]] const ssize_t ignored = write(report, &error, sizeof(error));
  _exit(127);
}

std::string words_for(int status) {
  if (WIFEXITED(status)) return fmt::format("exit {}", WEXITSTATUS(status));
  return fmt::format("killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
}

}  // namespace

Program::Program(std::vector<std::string> words, const std::vector<int>& cores,
                 const Interruption& interruption)
    : name_(words.at(0).substr(words[0].rfind('/') + 1)),
      interruption_(interruption),
      stdout_("program-stdout"),
      stderr_("program-stderr") {
  start(words, cores);
}

Program::~Program() { kill_group(); }

void Program::start(std::vector<std::string>& words, const std::vector<int>& cores) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const cpu_set_t set = set_of(cores);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) throw net::SystemError("pipe2");
  const net::FileDescriptor report{ends[0]};
  net::FileDescriptor child_report{ends[1]};
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw net::SystemError("fork");
  if (pid_ == 0) {
    become(arguments.data(), cores.empty() ? nullptr : &set, stdout_.fd(), stderr_.fd(), child_report.fd(),
           parent);
  }
  child_report.close();
  int error = 0;
  if (read(report.fd(), &error, sizeof(error)) > 0) {
    kill_group();
    throw std::runtime_error(fmt::format("{} does not start: {}", words.front(), std::strerror(error)));
  }
}

net::Address Program::wait_until_listening() {
  static const std::string announcement = "listening on ";
  const auto deadline = Clock::now() + start_timeout;
  for (;;) {
    const bool ended = has_ended();  // asked first: what it has said until then is in the lines
    if (const auto lines = stdout_lines(); !lines.empty()) {
      try {
        if (lines.front().starts_with(announcement))
          return net::find_reachable(net::Address::parse(lines.front().substr(announcement.size())));
      } catch (const std::invalid_argument&) {
        // no HOST:PORT: as wrong as any other line
      }
      throw std::runtime_error(fmt::format("{} announced '{}' instead of 'listening on HOST:PORT'", name_,
                                           on_one_line(lines.front(), 60)));
    }
    if (ended) wait_for_success(0ms);
    if (ended || Clock::now() > deadline)
      throw std::runtime_error(fmt::format("{} never announced itself ('listening on HOST:PORT')", name_));
    interruption_.check();
    std::this_thread::sleep_for(1ms);
  }
}

void Program::pause() {
  if (!status_ && kill(pid_, SIGSTOP) < 0) throw net::SystemError("kill");
  // The signal takes effect when the program's thread next runs: waitpid says when it has.
  while (!status_) {
    int status = 0;
    const pid_t changed = waitpid(pid_, &status, WUNTRACED);
    if (changed < 0 && errno != EINTR) throw net::SystemError("waitpid");
    if (changed == pid_ && WIFSTOPPED(status)) return;
    if (changed == pid_) status_ = status;
  }
  throw std::runtime_error(fmt::format("{} ended too soon ({})", name_, words_for(*status_)));
}

void Program::resume() const {
  if (kill(pid_, SIGCONT) < 0) throw net::SystemError("kill");
}

void Program::wait_for_success(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!has_ended()) {
    if (Clock::now() > deadline)
      throw std::runtime_error(fmt::format("{} did not end within {} s", name_, timeout / 1s));
    interruption_.check();
    std::this_thread::sleep_for(1ms);
  }
  if (WIFEXITED(*status_) && WEXITSTATUS(*status_) == 0) return;
  const auto said = stderr_lines();
  throw std::runtime_error(fmt::format("{} failed ({}){}", name_, words_for(*status_),
                                       said.empty() ? "" : ": " + on_one_line(said.back(), 300)));
}

std::vector<std::string> Program::stdout_lines() const { return lines_of(stdout_); }

std::vector<std::string> Program::stderr_lines() const { return lines_of(stderr_); }

bool Program::has_ended() {
  if (status_) return true;
  int status = 0;
  const pid_t ended = waitpid(pid_, &status, WNOHANG);
  if (ended < 0 && errno != EINTR) throw net::SystemError("waitpid");
  if (ended == pid_) status_ = status;
  return status_.has_value();
}

void Program::kill_group() noexcept {
  if (pid_ <= 0) return;
  kill(-pid_, SIGKILL);
  while (!status_) {
    int status = 0;
    if (waitpid(pid_, &status, 0) == pid_ || errno != EINTR) status_ = status;
  }
}

}  // namespace harness
