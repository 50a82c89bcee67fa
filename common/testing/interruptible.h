#pragma once

#include <csignal>

#include "common/harness/processes/interruption.h"

namespace testing {

/// A fixture for what can be interrupted. Restores the signal mask: tests that follow should end on Ctrl-C.
struct Interruptible {
  Interruptible() = default;
  ~Interruptible() { pthread_sigmask(SIG_SETMASK, &mask_before, nullptr); }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  static sigset_t mask() {
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, nullptr, &now);
    return now;
  }
  sigset_t mask_before = mask();  // first of all: an Interruption blocks signals
  harness::Interruption interruption;
};

}  // namespace testing
