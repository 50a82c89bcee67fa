// signal-and-select: a signal that is lost between the test and the wait.
//
// Run:       build/bin/signal-and-select          then   build/bin/signal-and-pselect
// Look for:  a program waits for sockets and for a signal: its handler sets a flag, the loop tests the flag
//            and then calls select. A signal that comes after the test and before the wait is seen only when
//            select returns for another reason. On a busy machine that happens once in a million rounds, so
//            this program makes it happen in each: it sends itself the signal at just that place. It prints
//            how long each one had to wait.
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

// True if the signal was noticed at once and not only when the time was over.
bool one_round(int round) {
  timeval timeout{.tv_sec = 0, .tv_usec = 300'000};
  if (signal_came != 0) return true;  // the test: no signal, so it goes on to wait

  std::raise(SIGUSR1);  // the gap: here it comes, the handler runs and sets the flag

  const auto start = Clock::now();
  const int ready = select(0, nullptr, nullptr, nullptr, &timeout);  // the wait, which knows nothing of flags
  if (ready < 0 && errno != EINTR) throw net::SystemError("select");
  const std::chrono::duration<double, std::milli> waited = Clock::now() - start;
  fmt::print("round {}: select returned {}, after {:.0f} ms; the flag is {}\n", round,
             ready < 0 ? "EINTR" : "0 (timeout)", waited.count(), static_cast<int>(signal_came));
  signal_came = 0;
  return ready < 0;
}

int run() {
  constexpr int rounds = 5;
  handle_by_flag(SIGUSR1);
  int noticed = 0;
  for (int round = 1; round <= rounds; ++round) noticed += one_round(round) ? 1 : 0;
  fmt::print("signals that had to wait for the timeout: {} of {}\n", rounds - noticed, rounds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("signal-and-select", "Loses signals between the test of a flag and select.")
      .parse(argc, argv);
  return net::run_program("signal-and-select", run);
}
