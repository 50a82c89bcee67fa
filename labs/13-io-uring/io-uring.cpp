// io-uring: completions instead of readiness. The server doesn't ask who is ready and then calls: it hands
// the calls themselves to the kernel, and hears when they are done.
//
// Run:       build/bin/io-uring --port 9000
//            then open   nc 127.0.0.1 9000   in several terminals
// Look for:  requests go into a ring that the kernel reads, completions come back in another. One system call
//            a round hands over all requests and waits: strace -c shows no recv, no send, no accept. accept
//            is asked for once and answers many times (multishot); recv takes a buffer from a pool when bytes
//            are there, so that an idle connection holds none.
// Needs:     Linux 5.19; where io_uring isn't there or isn't allowed, it says so and exits with 77.
// Compare:   diff labs/09-epoll/epoll.cpp labs/13-io-uring/io-uring.cpp

#include <liburing.h>
#include <sys/socket.h>

#include <cerrno>
#include <span>
#include <vector>

#include "common/net/listener.h"
#include "common/net/pending_bytes.h"
#include "common/net/request_work.h"
#include "common/net/system_error.h"
#include "labs/13-io-uring/ring.h"

namespace {

// The kernel works on one call for each: it receives, or it sends what is pending.
struct Connection {
  net::FileDescriptor socket;
  net::PendingBytes pending;  // received, not yet sent back; while there is any, nothing more is received
};

class Server {
 public:
  Server(net::FileDescriptor listener, unsigned entries) : listener_(std::move(listener)), ring_(entries) {
    accept();
  }

  void run() {
    for (;;) {
      const int submitted = io_uring_submit_and_wait(ring_.get(), 1);
      if (submitted < 0 && submitted != -EINTR) throw net::SystemError("io_uring_enter", -submitted);
      while (const auto completion = ring_.next()) complete(*completion);
    }
  }

 private:
  void complete(const Completion& completion) {
    if (completion.call == Call::accept) {
      accepted(completion);
    } else if (completion.call == Call::receive) {
      received(completion);
    } else {
      sent(completion);
    }
  }

  void accepted(const Completion& completion) {
    if (net::FileDescriptor socket{completion.result}) {
      admit(std::move(socket));
    } else if (completion.result == -EMFILE) {
      // Without the spare one, too, the next connection that ends makes room for an accept.
      is_accepting_ = spare_.give_up();
    } else {
      spare_.accept_again(listener_.fd(), -completion.result);
    }
    if (is_accepting_ && (completion.flags & IORING_CQE_F_MORE) == 0) accept();
  }

  void admit(net::FileDescriptor socket) {
    if (!spare_.take_back()) {
      socket.close();
      spare_.take_back();
      return;
    }
    net::disable_nagle(socket);
    const int fd = socket.fd();
    if (connections_.size() <= index(fd)) connections_.resize(index(fd) + 1);
    at(fd).socket = std::move(socket);
    receive(fd);
  }

  void received(const Completion& completion) {
    const int fd = completion.fd;
    // ENOBUFS: all buffers of the pool are under way; when this round is over they are back.
    if (completion.result == -ENOBUFS || completion.result == -EINTR) return receive(fd);
    if (completion.result <= 0) return forget(fd);
    net::request_work();
    at(fd).pending.append(ring_.received(completion));
    ring_.give_back(completion);  // a buffer of the pool must not wait for a client that doesn't read
    send(fd);
  }

  void sent(const Completion& completion) {
    const int fd = completion.fd;
    if (completion.result < 0 && !net::is_try_again(-completion.result)) return forget(fd);
    if (completion.result > 0) at(fd).pending.consume(static_cast<std::size_t>(completion.result));
    if (!at(fd).pending.empty()) return send(fd);
    receive(fd);
  }

  void accept() {
    is_accepting_ = true;
    io_uring_sqe& request = ring_.request();
    io_uring_prep_multishot_accept(&request, listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    label(request, Call::accept, listener_.fd());
  }

  void receive(int fd) {
    io_uring_sqe& request = ring_.request();
    io_uring_prep_recv(&request, fd, nullptr, Ring::buffer_bytes, 0);
    request.flags |= IOSQE_BUFFER_SELECT;
    request.ioprio |= IORING_RECVSEND_POLL_FIRST;  // bytes are hardly ever there yet: not to ask in vain
    label(request, Call::receive, fd);
  }

  void send(int fd) {
    const std::span<const char> bytes = at(fd).pending.bytes();
    io_uring_sqe& request = ring_.request();
    io_uring_prep_send(&request, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    label(request, Call::send, fd);
  }

  // The kernel works on nothing of this connection any more.
  void forget(int fd) {
    at(fd) = Connection{};
    if (!is_accepting_) accept();
  }

  Connection& at(int fd) { return connections_[index(fd)]; }
  static std::size_t index(int fd) { return static_cast<std::size_t>(fd); }

  const net::FileDescriptor listener_;
  std::vector<Connection> connections_;  // the descriptor is the index
  net::SpareDescriptor spare_;
  Ring ring_;
  bool is_accepting_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  return run_ring_server(
      argc, argv, "Echo server: one thread, io_uring.",
      [](net::FileDescriptor listener, unsigned entries) { Server(std::move(listener), entries).run(); });
}
