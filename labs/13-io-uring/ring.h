// The two rings of io_uring and a pool of buffers that the kernel takes from when bytes have come: what
// liburing leaves to its user, with owners.
#pragma once

#include <liburing.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "common/net/system_error.h"

/// One thread's io_uring with a pool of buffers. Throws SystemError where the kernel has none, or not a new
/// enough one, or doesn't allow it (a container's seccomp filter, kernel.io_uring_disabled).
class Ring {
 public:
  static constexpr unsigned buffer_bytes = 2 * 1024;
  static constexpr unsigned most_completions = 4096;  // that the ring holds at a time

  Ring() {
    // Completions are worked on only when this thread waits for them, not by interrupting it (Linux 6.1).
    int result = start(IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    if (result == -EINVAL) result = start(0);
    if (result < 0) throw net::SystemError("io_uring_setup", -result);
    // Saves the kernel a look into the descriptor table at each call; where it can't, all goes on as before.
    io_uring_register_ring_fd(&ring_);
    offer_buffers();
  }
  ~Ring() { io_uring_queue_exit(&ring_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  io_uring* get() { return &ring_; }

  /// The next free request. When there is none, what is there goes to the kernel first. Throws SystemError.
  io_uring_sqe& request() {
    for (;;) {
      if (io_uring_sqe* const free = io_uring_get_sqe(&ring_); free != nullptr) return *free;
      const int submitted = io_uring_submit(&ring_);
      if (submitted < 0 && submitted != -EINTR) throw net::SystemError("io_uring_enter", -submitted);
    }
  }

  void let_kernel_choose_buffer(io_uring_sqe& request) const {
    request.flags |= IOSQE_BUFFER_SELECT;
    request.buf_group = 0;
  }

  /// The first `size` bytes of a buffer that the kernel has chosen; valid until it is given back.
  std::span<const char> pooled(int buffer, std::size_t size) const {
    return {memory_.get() + static_cast<std::size_t>(buffer) * buffer_bytes, size};
  }

  void give_back(int buffer) {
    io_uring_buf_ring_add(pool_.get(), memory_.get() + static_cast<std::size_t>(buffer) * buffer_bytes,
                          buffer_bytes, static_cast<unsigned short>(buffer), io_uring_buf_ring_mask(buffers),
                          0);
    io_uring_buf_ring_advance(pool_.get(), 1);
  }

 private:
  static constexpr unsigned buffers = 1024;
  struct Free {
    void operator()(io_uring_buf_ring* memory) const { std::free(memory); }
  };

  int start(unsigned flags) {
    io_uring_params parameters{};
    parameters.flags = flags | IORING_SETUP_CQSIZE;
    parameters.cq_entries = most_completions;
    return io_uring_queue_init_params(1024, &ring_, &parameters);
  }

  void offer_buffers() {
    pool_.reset(static_cast<io_uring_buf_ring*>(std::aligned_alloc(4096, buffers * sizeof(io_uring_buf))));
    if (!pool_) throw net::SystemError("aligned_alloc");
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(pool_.get());
    registration.ring_entries = buffers;
    const int result = io_uring_register_buf_ring(&ring_, &registration, 0);
    if (result < 0) throw net::SystemError("io_uring_register_buf_ring", -result);
    io_uring_buf_ring_init(pool_.get());
    for (unsigned buffer = 0; buffer < buffers; ++buffer) give_back(static_cast<int>(buffer));
  }

  io_uring ring_{};
  std::unique_ptr<io_uring_buf_ring, Free> pool_;
  std::unique_ptr<char[]> memory_ = std::make_unique_for_overwrite<char[]>(buffers * buffer_bytes);
};
