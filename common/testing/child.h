#pragma once

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <string>
#include <utility>

#include "common/testing/conversation.h"

namespace testing {

/// A process that does `work` and is killed at the end of the test. Parent and child talk by single bytes.
/// The parent's steps stand in the conversation of the test.
class Child {
 public:
  explicit Child(const std::function<void(Child&)>& work) {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ != 0) {
      note(name_, "is forked as process " + std::to_string(pid_));
      return;
    }
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
  void tell() const {
    const bool told = write(ends_[0], "!", 1) == 1;
    note(name_, told ? "was told" : "could not be told");
  }
  /// False when nothing came in 10 s.
  bool hear() const {
    timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(ends_[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    char byte = 0;
    const bool heard = read(ends_[0], &byte, 1) == 1;
    note(name_, heard ? "was heard" : "was not heard within 10 s");
    return heard;
  }

 private:
  std::string name_ = numbered("child");
  pid_t pid_ = -1;
  std::array<int, 2> ends_{};
};

[[noreturn]] inline void sleep_forever() {
  for (;;) pause();
}

}  // namespace testing
