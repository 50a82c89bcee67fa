#include "labs/16-one-to-many/chat_ring.h"

#include <liburing.h>

#include <cerrno>
#include <string>

#include "common/net/complaint.h"
#include "common/net/system_error.h"

ChatRing::ChatRing() {
  // Completions are worked on only when this thread waits for them, not by interrupting it (Linux 6.1).
  int result = start(IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
  if (result == -EINVAL) result = start(0);
  if (result < 0) throw net::SystemError("io_uring_setup", -result);
}

void ChatRing::enter(unsigned completions, int milliseconds) {
  __kernel_timespec longest{.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1'000'000};
  io_uring_cqe* first = nullptr;
  do {  // again if the kernel hasn't taken all
    const int submitted =
        milliseconds < 0 || completions == 0
            ? io_uring_submit_and_wait(&ring_, completions)
            : io_uring_submit_and_wait_timeout(&ring_, &first, completions, &longest, nullptr);
    if (submitted < 0 && submitted != -EINTR && submitted != -ETIME)
      throw net::SystemError("io_uring_enter", -submitted);
  } while (io_uring_sq_ready(&ring_) > 0);
}

io_uring_sqe& ChatRing::request() {
  io_uring_sqe* free = io_uring_get_sqe(&ring_);
  for (; free == nullptr; free = io_uring_get_sqe(&ring_)) enter(0);
  return *free;
}

std::optional<Completion> ChatRing::next() {
  io_uring_cqe* found = nullptr;
  if (io_uring_peek_cqe(&ring_, &found) < 0) return {};
  const std::uint64_t about = io_uring_cqe_get_data64(found);
  const Completion completion{.call = static_cast<Call>(about & 0xff),
                              .fd = static_cast<int>(about >> 8),
                              .result = found->res,
                              .flags = found->flags};
  io_uring_cqe_seen(&ring_, found);
  return completion;
}

void label(io_uring_sqe& request, Call call, int fd) {
  io_uring_sqe_set_data64(&request, static_cast<std::uint64_t>(fd) << 8 | static_cast<std::uint64_t>(call));
}

bool can_have_a_ring() {
  try {
    const ChatRing ring;
    return true;
  } catch (const net::SystemError& error) {
    net::say("chat-io-uring", std::string("can't run here: ") + error.what() +
                                  " (Linux 5.19 or newer, and allowed: sysctl kernel.io_uring_disabled, a "
                                  "container's seccomp filter)");
    return false;
  }
}
