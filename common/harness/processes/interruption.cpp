#include "common/harness/processes/interruption.h"

#include <poll.h>
#include <sys/signalfd.h>

#include <csignal>

#include "common/net/system_error.h"

namespace harness {

Interruption::Interruption() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  if (const int error = pthread_sigmask(SIG_BLOCK, &signals, nullptr); error != 0) {
    throw net::SystemError("pthread_sigmask", error);
  }
  signals_ = net::FileDescriptor{signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!signals_) throw net::SystemError("signalfd");
}

void Interruption::check() const {
  pollfd arrived{.fd = signals_.fd(), .events = POLLIN, .revents = 0};
  if (poll(&arrived, 1, 0) > 0) throw Interrupted();
}

}  // namespace harness
