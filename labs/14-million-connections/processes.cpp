#include "labs/14-million-connections/processes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>

#include "common/net/server.h"
#include "common/net/system_error.h"

namespace million {

Board::Board(std::size_t processes)
    : size_(sizeof(Shared) + processes * sizeof(Tally)),
      memory_(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
  if (memory_ == MAP_FAILED) throw net::SystemError("mmap");
  shared_ = new (memory_) Shared;
  tallies_ = static_cast<Tally*>(static_cast<void*>(static_cast<char*>(memory_) + sizeof(Shared)));
  std::uninitialized_value_construct_n(tallies_, processes);
}

Board::~Board() { munmap(memory_, size_); }

Gate::Gate() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) < 0) throw net::SystemError("pipe2");
  wait_end_ = net::FileDescriptor(ends[0]);
  open_end_ = net::FileDescriptor(ends[1]);
}

void Gate::wait() const {
  char nothing = 0;
  while (read(wait_end_.fd(), &nothing, 1) < 0) {
    if (errno != EINTR) throw net::SystemError("read");
  }
}

Crew::Crew() {
  sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1}) sigaddset(&signals_, signal);
  if (sigprocmask(SIG_BLOCK, &signals_, nullptr) < 0) throw net::SystemError("sigprocmask");
}

Crew::~Crew() {
  for (const pid_t process : processes_) kill(process, SIGKILL);
  for (const pid_t process : processes_) waitpid(process, nullptr, 0);
}

bool Crew::start(const std::function<void()>& part) {
  const pid_t parent = getpid();
  const pid_t process = fork();
  if (process < 0 && (errno == EAGAIN || errno == ENOMEM)) return false;
  if (process < 0) throw net::SystemError("fork");
  if (process > 0) processes_.push_back(process);
  if (process == 0) _exit(run_child(parent, part));
  return true;
}

void Crew::tell_parent() { kill(getppid(), SIGUSR1); }

void Crew::wait_for_news() {
  const timespec at_most{.tv_sec = 0, .tv_nsec = 50'000'000};
  const int signal = sigtimedwait(&signals_, nullptr, &at_most);
  if (signal < 0 && !net::is_try_again(errno)) throw net::SystemError("sigtimedwait");
  if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) throw Interrupted{signal};
  if (signal == SIGCHLD) reap();
}

int Crew::run_child(pid_t parent, const std::function<void()>& part) {
  try {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) throw net::SystemError("prctl PR_SET_PDEATHSIG");
    if (getppid() != parent) return 1;  // it had ended before prctl
    part();
    return 0;
  } catch (const std::exception& error) {
    net::say("million", error.what());
    return 1;
  }
}

void Crew::reap() {
  int status = 0;
  for (pid_t ended = 0; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
    std::erase(processes_, ended);
    if (WIFSIGNALED(status))
      throw std::runtime_error(fmt::format("process {} was ended by signal {}", ended, WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0) throw std::runtime_error(fmt::format("process {} has failed", ended));
  }
}

}  // namespace million
