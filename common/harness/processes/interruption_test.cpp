#include "common/harness/processes/interruption.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <csignal>

#include "common/testing/interruptible.h"

using harness::Interrupted;
using testing::Interruptible;

namespace {

// Takes the signal away again: the next Interruption would find it.
void take_back(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  const timespec at_once{};
  CHECK(sigtimedwait(&set, nullptr, &at_once) == signal);
}

}  // namespace

TEST_CASE_FIXTURE(Interruptible,
                  "each of the signals that end the harness is noticed, again and again, until it is taken") {
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
