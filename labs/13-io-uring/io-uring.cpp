// io-uring: completions instead of readiness. The server doesn't ask who is ready and then calls: it hands
// the calls themselves to the kernel, and hears when they are done.
//
// Run:       build/bin/io-uring --port 9000
//            then open   nc 127.0.0.1 9000   in several terminals
// Look for:  requests go into a ring that the kernel reads, completions come back in another. One system call
//            a round hands over all requests and waits: strace -c shows no recv, no send, no accept. accept
//            and recv are asked for once and answer many times (multishot); recv takes a buffer from a pool
//            when bytes are there, so that an idle connection holds none.
// Needs:     Linux 5.19; where io_uring isn't there or isn't allowed, it says so and exits with 77.
// Compare:   diff labs/09-epoll/epoll.cpp labs/13-io-uring/io-uring.cpp

#include <liburing.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "common/net/listener.h"
#include "common/net/request_work.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "labs/13-io-uring/ring.h"

namespace {

// What a completion is about; it travels in the request's user_data, beside the descriptor's number.
enum class Call : std::uint8_t { accept, receive, send, cancel };

struct Connection {
  net::FileDescriptor socket;
  std::span<const char> sending;  // what the kernel has been asked to send: in a pooled buffer or in `own`
  int pooled = -1;                // the pooled buffer that `sending` lies in; -1: none
  std::vector<char> own;      // a copy: what didn't fit into the socket, for the kernel to send when it does
  std::vector<char> unsent;   // received while `sending` was under way
  bool is_receiving = false;  // a receive is with the kernel
  bool has_ended = false;     // nothing more will come from the peer
  bool is_broken = false;     // nothing more can go there either
};

class Server {
 public:
  explicit Server(net::FileDescriptor listener) : listener_(std::move(listener)) { accept(); }

  void run() {
    for (;;) {
      const int submitted = io_uring_submit_and_wait(ring_.get(), has_more_to_do_ ? 0 : 1);
      has_more_to_do_ = false;
      if (submitted < 0 && submitted != -EINTR) throw net::SystemError("io_uring_enter", -submitted);
      const unsigned count = io_uring_peek_batch_cqe(ring_.get(), completions_.data(),
                                                     static_cast<unsigned>(completions_.size()));
      const std::span completions = std::span(completions_).first(count);
      settle_replies(completions);
      for (const io_uring_cqe* completion : completions) complete(*completion);
      io_uring_cq_advance(ring_.get(), count);
    }
  }

 private:
  // A reply from a pooled buffer is sent while it is handed over, or not at all. Sent whole, as nearly
  // always, it makes no completion (IOSQE_CQE_SKIP_SUCCESS): otherwise each would end the wait for the next
  // request at once. So those of the last round that have none are done.
  void settle_replies(std::span<io_uring_cqe* const> completions) {
    for (const io_uring_cqe* completion : completions) {
      if (call_of(*completion) == Call::send) sent(fd_of(*completion), completion->res);
    }
    for (const int fd : replied_) {
      if (at(fd).pooled >= 0) sent(fd, static_cast<int>(at(fd).sending.size()));
    }
    for (const int fd : replied_) go_on(fd);
    replied_.clear();
  }

  void complete(const io_uring_cqe& completion) {
    const int fd = fd_of(completion);
    switch (call_of(completion)) {
      case Call::accept:
        return accepted(completion);
      case Call::receive:
        received(fd, completion);
        return go_on(fd);
      case Call::send:
        return go_on(fd);
      case Call::cancel:
        return;
    }
  }

  void accepted(const io_uring_cqe& completion) {
    if (completion.res >= 0) {
      admit(net::FileDescriptor(completion.res));
    } else if (completion.res == -EINVAL && multishot_) {
      multishot_ = false;  // before Linux 6.0: each call answers once
    } else {
      // With no descriptor left, not even for the spare, the next connection that ends makes room for an
      // accept.
      if (-completion.res == EMFILE) {
        is_accepting_ = spare_.give_up();
      } else {
        spare_.accept_again(listener_.fd(), -completion.res);
      }
      if (!is_accepting_) return;
    }
    if ((completion.flags & IORING_CQE_F_MORE) == 0) accept();
  }

  void admit(net::FileDescriptor socket) {
    if (!spare_.take_back()) {
      socket.close();
      spare_.take_back();
      return;
    }
    net::disable_nagle(socket);
    const int fd = socket.fd();
    const auto index = static_cast<std::size_t>(fd);
    if (connections_.size() <= index) connections_.resize(index + 1);
    connections_[index].socket = std::move(socket);
    receive(fd);
  }

  void received(int fd, const io_uring_cqe& completion) {
    Connection& connection = at(fd);
    if ((completion.flags & IORING_CQE_F_MORE) == 0) connection.is_receiving = false;
    if (completion.res > 0) {
      net::request_work();
      const int buffer = static_cast<int>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
      const auto bytes = ring_.pooled(buffer, static_cast<std::size_t>(completion.res));
      if (connection.sending.empty() && connection.unsent.empty() && !connection.is_broken) {
        connection.pooled = buffer;
        replied_.push_back(fd);
        // Only what fits now: a pooled buffer must not wait for a client that doesn't read.
        send(fd, bytes, MSG_DONTWAIT).flags |= IOSQE_CQE_SKIP_SUCCESS;
        return;
      }
      connection.unsent.insert(connection.unsent.end(), bytes.begin(), bytes.end());
      ring_.give_back(buffer);
    } else if (completion.res == -EINVAL && multishot_) {
      multishot_ = false;
    } else if (completion.res != -ENOBUFS && completion.res != -ECANCELED && completion.res != -EINTR) {
      connection.has_ended = true;  // ENOBUFS: all buffers are under way; a moment later they aren't
      connection.is_broken = completion.res < 0;
    }
  }

  void sent(int fd, int result) {
    Connection& connection = at(fd);
    if (result < 0 && !net::is_try_again(-result)) connection.has_ended = connection.is_broken = true;
    const auto rest = connection.sending.subspan(result < 0 ? 0 : static_cast<std::size_t>(result));
    connection.unsent.insert(connection.unsent.begin(), rest.begin(), rest.end());
    if (connection.pooled >= 0) ring_.give_back(connection.pooled);
    connection.pooled = -1;
    connection.sending = {};
    connection.own = {};
  }

  // What a connection needs next, after whichever completion: it sends or it receives, and it ends when the
  // kernel works on nothing of it any more.
  void go_on(int fd) {
    Connection& connection = at(fd);
    if (connection.is_broken) connection.unsent = {};
    if (connection.sending.empty() && !connection.unsent.empty()) {
      connection.own = std::move(connection.unsent);
      connection.unsent = {};
      send(fd, connection.own, 0);
    }
    const bool is_slow = !connection.own.empty();
    if (connection.is_receiving && is_slow) stop_receiving(fd);
    if (!connection.sending.empty()) {
      // Behind a pooled reply, whose end makes no completion, something else is to be done.
      const bool is_last = connection.unsent.empty() && connection.is_receiving && !connection.has_ended;
      has_more_to_do_ |= connection.pooled >= 0 && !is_last;
      return;
    }
    if (!connection.has_ended && !connection.is_receiving) receive(fd);
    if (!connection.has_ended) return;
    if (connection.is_receiving) {
      shutdown(fd, SHUT_RDWR);  // ends the receive, whose completion comes here again
      return;
    }
    connection = Connection{};
    if (!is_accepting_) accept();
  }

  void accept() {
    is_accepting_ = true;
    io_uring_sqe& request = ring_.request();
    if (multishot_) {
      io_uring_prep_multishot_accept(&request, listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    } else {
      io_uring_prep_accept(&request, listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    }
    io_uring_sqe_set_data64(&request, about(Call::accept, listener_.fd()));
  }

  void receive(int fd) {
    at(fd).is_receiving = true;
    io_uring_sqe& request = ring_.request();
    if (multishot_) {
      io_uring_prep_recv_multishot(&request, fd, nullptr, 0, 0);
    } else {
      io_uring_prep_recv(&request, fd, nullptr, Ring::buffer_bytes, 0);
    }
    ring_.let_kernel_choose_buffer(request);
    io_uring_sqe_set_data64(&request, about(Call::receive, fd));
  }

  // MSG_WAITALL: less than all is a failure.
  io_uring_sqe& send(int fd, std::span<const char> bytes, int flags) {
    at(fd).sending = bytes;
    io_uring_sqe& request = ring_.request();
    io_uring_prep_send(&request, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_WAITALL | flags);
    io_uring_sqe_set_data64(&request, about(Call::send, fd));
    return request;
  }

  // A client that doesn't take its replies isn't read from: its bytes would fill this server's memory.
  void stop_receiving(int fd) {
    io_uring_sqe& request = ring_.request();
    io_uring_prep_cancel64(&request, about(Call::receive, fd), 0);
    io_uring_sqe_set_data64(&request, about(Call::cancel, fd));
  }

  static std::uint64_t about(Call call, int fd) {
    return static_cast<std::uint64_t>(fd) << 8 | static_cast<std::uint64_t>(call);
  }
  static Call call_of(const io_uring_cqe& completion) {
    return static_cast<Call>(completion.user_data & 0xff);
  }
  static int fd_of(const io_uring_cqe& completion) { return static_cast<int>(completion.user_data >> 8); }
  Connection& at(int fd) { return connections_[static_cast<std::size_t>(fd)]; }

  net::FileDescriptor listener_;
  net::SpareDescriptor spare_;
  Ring ring_;
  std::vector<Connection> connections_;  // the descriptor's number is the index
  std::vector<int> replied_;             // connections with a pooled reply in this round
  std::array<io_uring_cqe*, Ring::most_completions> completions_{};
  bool has_more_to_do_ = false;  // not to wait before the next round
  bool is_accepting_ = false;
  bool multishot_ = true;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const Ring can_be_had;
  } catch (const net::SystemError& error) {
    net::say("io-uring", std::string("can't run here: ") + error.what() +
                             " (Linux 5.19 or newer, and allowed: sysctl kernel.io_uring_disabled, a "
                             "container's seccomp filter)");
    return net::cannot_run_here;
  }
  return net::run_server(argc, argv, "Echo server: one thread, io_uring.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
