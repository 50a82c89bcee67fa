// io-uring-skip-success: io-uring without a completion for each reply (IOSQE_CQE_SKIP_SUCCESS). Such a
// completion would end the wait for the next request at once: two system calls a request in place of one.
//
// Run:       build/bin/io-uring-skip-success --port 9000
//            then open   nc 127.0.0.1 9000   in several terminals
// Look for:  strace -c counts half as many calls of io_uring_enter as with io-uring. But silence has to be
//            understood: which replies are done, when only those that failed are heard of?
// Needs:     Linux 5.19; where io_uring isn't there or isn't allowed, it says so and exits with 77.
// Compare:   diff labs/13-io-uring/io-uring.cpp labs/13-io-uring/io-uring-skip-success.cpp

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
  bool is_replying = false;   // a reply was handed over, and nothing has been heard of it
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
      if (io_uring_sq_ready(ring_.get()) > 0) continue;  // the kernel hasn't taken all
      while (const auto completion = ring_.next()) completions_.push_back(*completion);
      settle_replies();
      for (const Completion& completion : completions_) complete(completion);
      completions_.clear();
    }
  }

 private:
  // A reply doesn't wait: it was over when it had been handed over. If it failed, its completion is there,
  // for all are collected first, those too for which the ring had no room. All others went out whole.
  void settle_replies() {
    for (const Completion& completion : completions_) {
      if (completion.call == Call::try_send) at(completion.fd).is_replying = false;
    }
    for (const int fd : replied_) {
      Connection& connection = at(fd);
      if (connection.is_replying) connection.pending.consume(connection.pending.bytes().size());
      connection.is_replying = false;
    }
    replied_.clear();
  }

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
    reply(fd);
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

  // Sends all at once or fails (MSG_DONTWAIT, MSG_WAITALL), and receives afterwards. After a failure the
  // receive, which is linked to it, is dropped without a word; the rest is sent by send(), which waits.
  void reply(int fd) {
    const std::span<const char> bytes = at(fd).pending.bytes();
    ring_.make_room(2);  // a link ends where the requests are handed over
    io_uring_sqe& request = ring_.request();
    io_uring_prep_send(&request, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
    request.flags |= IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK;
    label(request, Call::try_send, fd);
    receive(fd);
    at(fd).is_replying = true;
    replied_.push_back(fd);
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
  std::vector<Completion> completions_;  // of one round, all of them
  std::vector<int> replied_;             // in the last one, whose outcome isn't known
  net::SpareDescriptor spare_;
  Ring ring_;
  bool is_accepting_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  return run_ring_server(
      argc, argv, "Echo server: one thread, io_uring, no completion for a reply.",
      [](net::FileDescriptor listener, unsigned entries) { Server(std::move(listener), entries).run(); });
}
