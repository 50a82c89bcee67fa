// The two rings of io_uring and a pool of buffers that the kernel takes from when bytes have come: what
// liburing leaves to its user, with owners. Nothing here waits.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/net/file_descriptor.h"

/// What the kernel was asked for; it comes back with the answer.
enum class Call : std::uint8_t { accept, receive, send, try_send };

/// An answer of the kernel: what the call returned, or -errno.
struct Completion {
  Call call = Call::accept;
  int fd = -1;
  int result = 0;
  std::uint32_t flags = 0;
};

/// One thread's io_uring with a pool of buffers.
class Ring {
 public:
  static constexpr unsigned buffer_bytes = 16 * 1024;

  /// Rings for `entries` requests and four times as many completions, and as many buffers; rounded up to a
  /// power of two. More of either are possible, they only take more system calls. Throws SystemError where
  /// the kernel has no io_uring, or not a new enough one, or doesn't allow it (a container's seccomp filter,
  /// kernel.io_uring_disabled).
  explicit Ring(unsigned entries);
  ~Ring() { io_uring_queue_exit(&ring_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  io_uring* get() { return &ring_; }

  /// Makes room for so many requests that have to go to the kernel together: linked ones. Where there is
  /// none, what is there goes to it first. Throws SystemError.
  void make_room(unsigned requests);

  /// The next free request; what is to be asked for is written into it. Throws SystemError.
  io_uring_sqe& request();

  /// The next completion, those included that the kernel keeps because the ring was full; none if all that
  /// is done has been taken.
  std::optional<Completion> next();

  /// The bytes that a receive has brought, in a buffer that the kernel chose; valid until it is given back.
  std::span<const char> received(const Completion& completion) const;
  void give_back(const Completion& completion);

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  int start(unsigned flags);
  void offer_buffers();
  void offer(unsigned buffer);

  unsigned entries_;
  io_uring ring_{};
  std::unique_ptr<io_uring_buf_ring, Free> pool_;
  std::unique_ptr<char[]> memory_;
};

/// Labels a request with what it is about, for its completion. After io_uring_prep_…, which clears it.
void label(io_uring_sqe& request, Call call, int fd);

/// run_server of an io_uring server, with the option `--entries`, the size of its ring. Where io_uring can't
/// be had the program says so and ends with cannot_run_here, whatever it was asked.
int run_ring_server(int argc, char** argv, const std::string& description,
                    const std::function<void(net::FileDescriptor listener, unsigned entries)>& serve);
