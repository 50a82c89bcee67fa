#include "common/net/request_work.h"

#include <sys/prctl.h>

#include <cerrno>
#include <chrono>
#include <ctime>

#include "common/net/system_error.h"

namespace net {

namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

struct Cost {
  microseconds work{0};
  microseconds wait{0};
};

// Written once, by begin(), while there is one thread; read by every request.
Cost& cost_of_a_request() {
  static Cost cost;
  return cost;
}

// Not the clock on the wall: a thread that waits for a core must not have its work done meanwhile.
nanoseconds computed_by_this_thread() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

void compute(microseconds span) {
  const nanoseconds end = computed_by_this_thread() + span;
  while (computed_by_this_thread() < end) {
  }
}

void block(microseconds span) {
  timespec left{.tv_sec = span.count() / 1'000'000, .tv_nsec = span.count() % 1'000'000 * 1000};
  while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
  }
}

}  // namespace

RequestWork::RequestWork(CommandLine& options) {
  options.number("--work-us", work_us_, 0, 1'000'000,
                 "microseconds that the server computes for each request");
  options.number("--wait-us", wait_us_, 0, 1'000'000,
                 "microseconds that each request blocks, as on a slow disk");
}

void RequestWork::begin() const {
  cost_of_a_request() = {.work = microseconds(work_us_), .wait = microseconds(wait_us_)};
  // The kernel may let sleepers oversleep by 50 us, to wake several at once (PR_SET_TIMERSLACK, prctl(2)).
  if (wait_us_ > 0 && prctl(PR_SET_TIMERSLACK, 1) < 0) throw SystemError("prctl PR_SET_TIMERSLACK");
}

void request_work() {
  const Cost& cost = cost_of_a_request();
  if (cost.work.count() > 0) compute(cost.work);
  if (cost.wait.count() > 0) block(cost.wait);
}

}  // namespace net
