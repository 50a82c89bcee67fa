#include "common/harness/processes/interruption.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <csignal>

using harness::Interrupted;
using harness::Interruption;

namespace {

// Takes the signal away again: the next Interruption would find it.
void take_back(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  const timespec at_once{};
  CHECK(sigtimedwait(&set, nullptr, &at_once) == signal);
}

// An Interruption blocks its signals for good; the tests that follow should end on Ctrl-C.
class SignalMaskKept {
 public:
  SignalMaskKept() { pthread_sigmask(SIG_BLOCK, nullptr, &before_); }
  ~SignalMaskKept() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalMaskKept(const SignalMaskKept&) = delete;
  SignalMaskKept& operator=(const SignalMaskKept&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

TEST_CASE("each of the signals that end the harness is noticed, again and again, until it is taken") {
  const SignalMaskKept kept;
  const Interruption interruption;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CAPTURE(signal);
    CHECK_NOTHROW(interruption.check());
    raise(signal);
    pollfd watched{.fd = interruption.fd(), .events = POLLIN, .revents = 0};
    CHECK(poll(&watched, 1, 0) == 1);
    CHECK_THROWS_AS(interruption.check(), Interrupted);
    CHECK_THROWS_AS(interruption.check(), Interrupted);
    take_back(signal);
  }
  CHECK_NOTHROW(interruption.check());
}
