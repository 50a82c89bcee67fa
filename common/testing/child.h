#pragma once

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <utility>

namespace testing {

/// A process that does `work` and is killed at the end of the test. Parent and child talk by single bytes.
class Child {
 public:
  explicit Child(const std::function<void(Child&)>& work) {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::swap(ends_[0], ends_[1]);
    try {
      work(*this);
    } catch (...) {
    }
    _exit(0);
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    for (const int end : ends_) close(end);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  void tell() const { static_cast<void>(write(ends_[0], "!", 1) == 1); }
  /// False when nothing came in 10 s.
  bool hear() const {
    timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(ends_[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    char byte = 0;
    return read(ends_[0], &byte, 1) == 1;
  }

 private:
  pid_t pid_ = -1;
  std::array<int, 2> ends_{};
};

[[noreturn]] inline void sleep_forever() {
  for (;;) pause();
}

}  // namespace testing
