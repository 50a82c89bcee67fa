// signal-and-pselect: no signal is lost between the test and the wait.
//
// Run:       build/bin/signal-and-pselect
// Look for:  the signal is blocked all the time, and let in by pselect alone: unblocking and waiting are one
//            step for the kernel, so there is no gap. The signal comes at the same place as in
//            signal-and-select, stays pending, and ends the wait at once.
// Compare:   diff labs/07-select/signal-and-select.cpp labs/07-select/signal-and-pselect.cpp

#include <fmt/format.h>
#include <sys/select.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "common/net/command_line.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

using Clock = std::chrono::steady_clock;

// What a handler may write and a program read is this type, and it can only be reached as a global
// (signal-safety(7)).
volatile std::sig_atomic_t signal_came = 0;

void handle_by_flag(int signal) {
  struct sigaction action {};
  action.sa_handler = [](int) { signal_came = 1; };
  if (sigaction(signal, &action, nullptr) < 0) throw net::SystemError("sigaction");
}

// Returns the mask as it was before: with the signal let in.
sigset_t block(int signal) {
  sigset_t blocked{};
  sigset_t before{};
  sigemptyset(&blocked);
  sigaddset(&blocked, signal);
  if (sigprocmask(SIG_BLOCK, &blocked, &before) < 0) throw net::SystemError("sigprocmask");
  return before;
}

// True if the signal was noticed at once and not only when the time was over.
bool one_round(int round, const sigset_t& let_in) {
  const timespec timeout{.tv_sec = 0, .tv_nsec = 300'000'000};
  if (signal_came != 0) return true;  // the test: no signal, so it goes on to wait

  std::raise(SIGUSR1);  // the same place: here it comes, is blocked, and stays pending

  const auto start = Clock::now();
  const int ready = pselect(0, nullptr, nullptr, nullptr, &timeout, &let_in);  // unblocks and waits
  if (ready < 0 && errno != EINTR) throw net::SystemError("pselect");
  const std::chrono::duration<double, std::milli> waited = Clock::now() - start;
  fmt::print("round {}: pselect returned {}, after {:.0f} ms; the flag is {}\n", round,
             ready < 0 ? "EINTR" : "0 (timeout)", waited.count(), static_cast<int>(signal_came));
  signal_came = 0;
  return ready < 0;
}

int run() {
  constexpr int rounds = 5;
  handle_by_flag(SIGUSR1);
  const sigset_t let_in = block(SIGUSR1);
  int noticed = 0;
  for (int round = 1; round <= rounds; ++round) noticed += one_round(round, let_in) ? 1 : 0;
  fmt::print("signals that had to wait for the timeout: {} of {}\n", rounds - noticed, rounds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("signal-and-pselect", "Loses no signal between the test of a flag and pselect.")
      .parse(argc, argv);
  return net::run_program("signal-and-pselect", run);
}
