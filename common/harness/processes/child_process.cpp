#include "common/harness/processes/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/harness/processes/process_usage.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

// All that the child needs, put together before fork: after it only async-signal-safe calls are allowed.
struct Beginning {
  std::vector<char*> words;
  std::vector<char*> environment;
  std::optional<cpu_set_t> cores;
  const ChildCommand& command;
  pid_t parent = getpid();
};

// pidfd_open(2). The header of glibc 2.36 can't be used from C++: it lacks extern "C".
int open_pidfd(pid_t pid) { return static_cast<int>(syscall(SYS_pidfd_open, pid, 0)); }

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::optional<cpu_set_t> set_of(const std::vector<int>& cores) {
  if (cores.empty()) return std::nullopt;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(static_cast<std::size_t>(core), &set);
  return set;
}

bool take_limits(const Beginning& beginning) {
  if (beginning.cores && sched_setaffinity(0, sizeof(cpu_set_t), &*beginning.cores) < 0) return false;
  if (!beginning.command.descriptor_limit) return true;
  const rlim_t descriptors = *beginning.command.descriptor_limit;
  const rlimit limit{.rlim_cur = descriptors, .rlim_max = descriptors};
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

bool take_signals() {
  // A Ctrl-C that came before setpgid was the caller's: ignoring a signal discards it while it is blocked and
  // pending (sigaction(2)).
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (::signal(signal, SIG_IGN) == SIG_ERR || ::signal(signal, SIG_DFL) == SIG_ERR) return false;
  }
  if (::signal(SIGPIPE, SIG_DFL) == SIG_ERR) return false;
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

bool take_streams(const ChildCommand& command) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  return null >= 0 && dup2(command.input.value_or(null), STDIN_FILENO) >= 0 &&
         dup2(command.output.value_or(null), STDOUT_FILENO) >= 0 &&
         dup2(command.errors.value_or(null), STDERR_FILENO) >= 0;
}

// Ends with the errno of the call that failed in `report`, a pipe that exec closes.
[[noreturn]] void become(const Beginning& beginning, int report) {
  if (setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0) {
    if (getppid() != beginning.parent) _exit(127);  // the parent died before prctl
    if (take_limits(beginning) && take_signals() && take_streams(beginning.command))
      execvpe(beginning.words[0], beginning.words.data(), beginning.environment.data());
  }
  const int error = errno;
  [[maybe_unused]] const ssize_t ignored = write(report, &error, sizeof(error));
  _exit(127);
}

// What waitid tells of a child, and what it has used; it stays as it is (WNOWAIT), to be asked again. The
// call of glibc doesn't tell the usage, the kernel's does.
std::optional<siginfo_t> look_at_end(pid_t pid, rusage& usage) {
  siginfo_t info{};
  while (syscall(SYS_waitid, P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT, &usage) < 0) {
    if (errno != EINTR) throw net::SystemError("waitid");
  }
  if (info.si_pid == 0) return std::nullopt;
  return info;
}

std::chrono::nanoseconds duration_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

void reap(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// Kills a process and waits until it has ended. Whoever its parent is, it may be this process: then it is
// reaped as well.
void end_process(pid_t pid, bool keep_zombie) {
  const net::FileDescriptor end{open_pidfd(pid)};
  kill(pid, SIGKILL);
  pollfd ended{.fd = end.fd(), .events = POLLIN, .revents = 0};
  while (end && poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
  if (!keep_zombie) waitpid(pid, nullptr, WNOHANG);
}

}  // namespace

CannotStart::CannotStart(const std::string& program, int error_number)
    : std::runtime_error(fmt::format("{} does not start: {}", program, std::strerror(error_number))),
      reason_(std::strerror(error_number)) {}

ChildProcess::ChildProcess(const ChildCommand& command) {
  mark_ = fmt::format("HARNESS_CHILD_{}_{}=", getpid(), Clock::now().time_since_epoch().count());
  std::vector<std::string> words = command.words;
  std::vector<std::string> variables{mark_};
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  const Beginning beginning{.words = pointers_to(words),
                            .environment = pointers_to(variables),
                            .cores = set_of(command.cores),
                            .command = command};
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) throw net::SystemError("prctl PR_SET_CHILD_SUBREAPER");
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) throw net::SystemError("pipe2");
  const net::FileDescriptor report{ends[0]};
  net::FileDescriptor child_report{ends[1]};
  const pid_t pid = fork();
  if (pid < 0) throw net::SystemError("fork");
  if (pid == 0) become(beginning, child_report.fd());
  child_report.close();
  int error = 0;
  ssize_t size = 0;
  while ((size = read(report.fd(), &error, sizeof(error))) < 0 && errno == EINTR) {
  }
  if (size > 0) {
    reap(pid);
    throw CannotStart(command.words.front(), error);
  }
  end_ = net::FileDescriptor{open_pidfd(pid)};
  if (!end_) {
    const int reason = errno;
    kill(-pid, SIGKILL);
    reap(pid);
    throw net::SystemError("pidfd_open", reason);
  }
  pid_ = pid;
}

ChildProcess::~ChildProcess() {
  kill(-pid_, SIGKILL);
  try {
    kill_family();
  } catch (const std::exception&) {
    // no memory, or no /proc: what can't be found can't be ended
  }
  reap(pid_);
}

void ChildProcess::kill_family() const {
  // Until no more is found: one that isn't killed yet may have started another.
  for (auto living = living_family(); !living.empty(); living = living_family()) {
    for (const pid_t pid : living) end_process(pid, pid == pid_);
  }
  reap_adopted_zombies(pid_);
}

bool ChildProcess::wait_for_end(std::chrono::milliseconds timeout, const Interruption* interruption) {
  const auto deadline = Clock::now() + timeout;
  while (!ended_) {
    rusage usage{};
    if ((ended_ = look_at_end(pid_, usage))) {
      cpu_time_ = duration_of(usage.ru_utime) + duration_of(usage.ru_stime);
      break;
    }
    if (interruption != nullptr) interruption->check();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left <= 0ms) return false;
    std::array<pollfd, 2> events{
        {{.fd = end_.fd(), .events = POLLIN, .revents = 0},
         {.fd = interruption == nullptr ? -1 : interruption->fd(), .events = POLLIN, .revents = 0}}};
    if (poll(events.data(), events.size(), static_cast<int>(left.count())) < 0 && errno != EINTR)
      throw net::SystemError("poll");
  }
  return true;
}

std::string ChildProcess::how_it_fares() {
  if (!has_ended()) return "still runs";
  const int status = ended_->si_status;
  if (ended_->si_code == CLD_EXITED) return fmt::format("exit {}", status);
  const char* name = sigabbrev_np(status);  // none for a real-time signal
  return fmt::format("killed by signal {}{}", status, name == nullptr ? "" : fmt::format(" (SIG{})", name));
}

std::optional<int> ChildProcess::exit_code() {
  if (!has_ended() || ended_->si_code != CLD_EXITED) return std::nullopt;
  return ended_->si_status;
}

bool ChildProcess::ended_by(int signal) {
  return has_ended() && ended_->si_code != CLD_EXITED && ended_->si_status == signal;
}

void ChildProcess::send_signal(int signal) const {
  if (kill(pid_, signal) < 0) throw net::SystemError("kill");
}

bool ChildProcess::pause() {
  send_signal(SIGSTOP);
  // The signal takes effect when the program's thread next runs: waitid says when it has.
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT) < 0) {
    if (errno != EINTR) throw net::SystemError("waitid");
  }
  if (info.si_code != CLD_STOPPED) return false;
  // Told once is enough, or the next halt would be told of too early.
  if (waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WNOHANG) < 0) throw net::SystemError("waitid");
  return true;
}

std::vector<pid_t> ChildProcess::living_family() const { return living_members(pid_, mark_); }

}  // namespace harness
