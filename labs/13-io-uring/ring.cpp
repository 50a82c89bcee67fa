#include "labs/13-io-uring/ring.h"

#include <bit>
#include <cerrno>

#include "common/net/server.h"
#include "common/net/system_error.h"

Ring::Ring(unsigned entries) : entries_(std::bit_ceil(entries)) {
  // Completions are worked on only when this thread waits for them, not by interrupting it (Linux 6.1).
  int result = start(IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
  if (result == -EINVAL) result = start(0);
  if (result < 0) throw net::SystemError("io_uring_setup", -result);
  // Saves the kernel a look into the descriptor table at each call; where it can't, all goes on as before.
  io_uring_register_ring_fd(&ring_);
  try {
    offer_buffers();
  } catch (...) {
    io_uring_queue_exit(&ring_);
    throw;
  }
}

int Ring::start(unsigned flags) {
  io_uring_params parameters{};
  parameters.flags = flags | IORING_SETUP_CQSIZE;
  parameters.cq_entries = 4 * entries_;
  return io_uring_queue_init_params(entries_, &ring_, &parameters);
}

void Ring::offer_buffers() {
  const std::size_t bytes = entries_ * sizeof(io_uring_buf);
  constexpr std::size_t page = 4096;
  pool_.reset(static_cast<io_uring_buf_ring*>(std::aligned_alloc(page, (bytes + page - 1) / page * page)));
  if (!pool_) throw net::SystemError("aligned_alloc");
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(pool_.get());
  registration.ring_entries = entries_;
  const int result = io_uring_register_buf_ring(&ring_, &registration, 0);
  if (result < 0) throw net::SystemError("io_uring_register_buf_ring", -result);
  io_uring_buf_ring_init(pool_.get());
  memory_ = std::make_unique_for_overwrite<char[]>(std::size_t{entries_} * buffer_bytes);
  for (unsigned buffer = 0; buffer < entries_; ++buffer) offer(buffer);
}

void Ring::offer(unsigned buffer) {
  io_uring_buf_ring_add(pool_.get(), memory_.get() + std::size_t{buffer} * buffer_bytes, buffer_bytes,
                        static_cast<unsigned short>(buffer),
                        io_uring_buf_ring_mask(static_cast<unsigned short>(entries_)), 0);
  io_uring_buf_ring_advance(pool_.get(), 1);
}

void Ring::make_room(unsigned requests) {
  while (io_uring_sq_space_left(&ring_) < requests) {
    const int submitted = io_uring_submit(&ring_);
    if (submitted < 0 && submitted != -EINTR) throw net::SystemError("io_uring_enter", -submitted);
  }
}

io_uring_sqe& Ring::request() {
  make_room(1);
  return *io_uring_get_sqe(&ring_);
}

std::optional<Completion> Ring::next() {
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

std::span<const char> Ring::received(const Completion& completion) const {
  const std::size_t buffer = completion.flags >> IORING_CQE_BUFFER_SHIFT;
  return {memory_.get() + buffer * buffer_bytes, static_cast<std::size_t>(completion.result)};
}

void Ring::give_back(const Completion& completion) { offer(completion.flags >> IORING_CQE_BUFFER_SHIFT); }

void label(io_uring_sqe& request, Call call, int fd) {
  io_uring_sqe_set_data64(&request, static_cast<std::uint64_t>(fd) << 8 | static_cast<std::uint64_t>(call));
}

int run_ring_server(int argc, char** argv, const std::string& description,
                    const std::function<void(net::FileDescriptor listener, unsigned entries)>& serve) {
  std::int64_t entries = 256;
  try {
    const Ring can_be_had(2);
  } catch (const net::SystemError& error) {
    const std::string path = argv[0];
    net::say(path.substr(path.rfind('/') + 1),
             std::string("can't run here: ") + error.what() +
                 " (Linux 5.19 or newer, and allowed: sysctl kernel.io_uring_disabled, a container's seccomp "
                 "filter)");
    return net::cannot_run_here;
  }
  return net::run_server(
      argc, argv, description,
      [&](net::FileDescriptor listener) { serve(std::move(listener), static_cast<unsigned>(entries)); },
      [&](net::CommandLine& options) {
        options.number("--entries", entries, 2, 32768, "requests that the ring holds at a time");
      });
}
