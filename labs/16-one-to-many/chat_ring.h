// The two rings of io_uring, with an owner. Unlike lab 13's it has no pool of buffers: a line of a chat is
// short, so each connection has a small one of its own.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <optional>

/// What the kernel was asked for; it comes back with the answer.
enum class Call : std::uint8_t { accept, receive, send, try_send };

/// An answer of the kernel: what the call returned, or -errno.
struct Completion {
  Call call = Call::accept;
  int fd = -1;
  int result = 0;
  std::uint32_t flags = 0;
};

/// One thread's io_uring.
class ChatRing {
 public:
  /// Requests that go to the kernel in one call: to more listeners at a time it takes more calls.
  static constexpr unsigned entries = 4096;

  /// Throws SystemError where the kernel has no io_uring, or doesn't allow it.
  ChatRing();
  ~ChatRing() { io_uring_queue_exit(&ring_); }
  ChatRing(const ChatRing&) = delete;
  ChatRing& operator=(const ChatRing&) = delete;

  /// Hands all requests to the kernel, and waits for so many completions, but no longer than so many
  /// milliseconds (-1: without end): one call. Throws SystemError.
  void enter(unsigned completions, int milliseconds = -1);

  /// The next free request; what is to be asked for is written into it. Where there is none, what is there
  /// goes to the kernel first. Throws SystemError.
  io_uring_sqe& request();

  /// The next completion; none if all that is done has been taken.
  std::optional<Completion> next();

 private:
  int start(unsigned flags) { return io_uring_queue_init(entries, &ring_, flags); }

  io_uring ring_{};
};

/// Labels a request with what it is about, for its completion. After io_uring_prep_…, which clears it.
void label(io_uring_sqe& request, Call call, int fd);

/// False where io_uring can't be had, said on stderr with the cure: the program ends with cannot_run_here.
bool can_have_a_ring();
