// The machinery under the coroutines of lab 12, a page. A coroutine that has to wait is suspended: what is
// left of it is its frame, the variables that it still needs. The loop waits for all sockets at once and
// resumes the coroutine whose socket is ready. Where the thread version sleeps in the kernel, this one
// returns to the loop.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <coroutine>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include "common/net/file_descriptor.h"
#include "common/net/system_error.h"

/// What a coroutine returns that nobody waits for, like a detached thread: it runs at once, up to its first
/// wait, and its frame is freed when it ends. An exception out of it ends it alone: its socket closes with
/// the frame. Without memory for the frame it never runs, and its arguments are destroyed.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    static Detached get_return_object_on_allocation_failure() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
};

/// The same for a coroutine that the program can't do without: an exception out of it leaves EventLoop::run.
struct Essential {
  struct promise_type : Detached::promise_type {
    Essential get_return_object() { return {}; }
    static Essential get_return_object_on_allocation_failure() { throw std::bad_alloc(); }
    void unhandled_exception() { throw; }
  };
};

/// Resumes coroutines when what they wait for is there (level-triggered epoll). Not thread-safe.
class EventLoop {
 public:
  EventLoop() {
    if (!epoll_) throw net::SystemError("epoll_create1");
  }

  /// Never returns. Throws SystemError, and what comes out of a coroutine.
  [[noreturn]] void run() {
    for (;;) run_once();
  }

  /// Waits until some can go on and resumes each of them once.
  void run_once() {
    const int ready = epoll_wait(epoll_.fd(), events_.data(), static_cast<int>(events_.size()), -1);
    if (ready < 0 && errno != EINTR) throw net::SystemError("epoll_wait");
    // A handle in this batch can't be one of a coroutine that has ended: each ends only in its own turn, and
    // closes its socket then, which takes it out of the epoll set.
    for (int i = 0; i < ready; ++i) {
      std::coroutine_handle<>::from_address(events_[static_cast<std::size_t>(i)].data.ptr).resume();
    }
  }

  /// Room for whichever coroutine runs now, until its next wait: then it is another's.
  std::span<char> buffer() { return buffer_; }

  /// EPOLL_CTL_ADD or _MOD. The kernel keeps the handle's address beside the socket, so that no table is
  /// needed to find who waits. Throws SystemError.
  void watch(int operation, int fd, std::uint32_t interest, std::coroutine_handle<> waiting) {
    epoll_event event{};
    event.events = interest;
    event.data.ptr = waiting.address();
    if (epoll_ctl(epoll_.fd(), operation, fd, &event) < 0) throw net::SystemError("epoll_ctl");
  }

 private:
  net::FileDescriptor epoll_{epoll_create1(EPOLL_CLOEXEC)};
  std::array<epoll_event, 256> events_{};
  std::array<char, 16 * 1024> buffer_{};
};

/// A non-blocking socket that one coroutine waits for, always the same: `co_await socket.readable()` goes on
/// when recv or accept has something to say, `co_await socket.writable()` when send has. Throws SystemError
/// when the kernel can't watch one more.
class Socket {
 public:
  Socket(EventLoop& loop, net::FileDescriptor of) : descriptor_(std::move(of)), loop_(&loop) {}

  int fd() const { return descriptor_.fd(); }
  std::span<char> buffer() const { return loop_->buffer(); }

  // Two types of one member each: what waits stands in the coroutine's frame, and g++ 12 gives every co_await
  // of a coroutine a place of its own.
  struct Readable : std::suspend_always {
    Socket& socket;
    explicit Readable(Socket& of) : socket(of) {}
    void await_suspend(std::coroutine_handle<> waiting) const { socket.wait(EPOLLIN, waiting); }
  };
  struct Writable : std::suspend_always {
    Socket& socket;
    explicit Writable(Socket& of) : socket(of) {}
    void await_suspend(std::coroutine_handle<> waiting) const { socket.wait(EPOLLOUT, waiting); }
  };
  Readable readable() { return Readable(*this); }
  Writable writable() { return Writable(*this); }

 private:
  // The kernel is told only when something has changed: a request that is answered at once costs no
  // epoll_ctl.
  void wait(std::uint32_t interest, std::coroutine_handle<> waiting) {
    if (interest == interest_) return;
    loop_->watch(interest_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd(), interest, waiting);
    interest_ = interest;
  }

  net::FileDescriptor descriptor_;
  std::uint32_t interest_ = 0;  // 0: not in the epoll set yet
  EventLoop* loop_;
};
