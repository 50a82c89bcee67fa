#include "common/bench/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "common/net/system_error.h"

namespace bench {

using namespace std::chrono_literals;

namespace {

// How the child begins: output to /dev/null, and no signal blocked, as the harness has blocked some for
// itself.
class Beginning {
 public:
  Beginning() {
    posix_spawn_file_actions_init(&actions_);
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO})
      posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", O_WRONLY, 0);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  Beginning(const Beginning&) = delete;
  Beginning& operator=(const Beginning&) = delete;
  ~Beginning() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  int spawn(pid_t& pid, char* const* arguments) const {
    return posix_spawn(&pid, arguments[0], &actions_, &attributes_, arguments, environ);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::chrono::nanoseconds duration_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string candidate = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

Child::Child(std::vector<std::string> words) : name_(words.at(0)) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  if (const int error = Beginning().spawn(pid_, arguments.data()); error != 0) {
    pid_ = -1;
    throw net::SystemError("start " + name_, error);
  }
}

Child::~Child() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

std::chrono::nanoseconds Child::wait(const harness::Interruption& interruption) {
  for (;;) {
    int status = 0;
    rusage usage{};
    const pid_t ended = wait4(pid_, &status, WNOHANG, &usage);
    if (ended < 0 && errno != EINTR) throw net::SystemError("wait4", name_);
    if (ended == pid_) {
      pid_ = -1;
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        throw std::runtime_error(fmt::format("{} failed (wait status {})", name_, status));
      return duration_of(usage.ru_utime) + duration_of(usage.ru_stime);
    }
    interruption.check();
    std::this_thread::sleep_for(5ms);
  }
}

}  // namespace bench
