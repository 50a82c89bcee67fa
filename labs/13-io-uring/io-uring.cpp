// io-uring: completions instead of readiness. The server doesn't ask who is ready and then calls: it hands the calls
// themselves to the kernel, and hears when they are done.
//
// Run:       build/bin/io-uring --port 9000
//            then open   nc 127.0.0.1 9000   in several terminals
// Look for:  requests go into a ring that the kernel reads, completions come back in another. One system call a round
//            hands over all requests and waits: strace -c shows no recv, no send, no accept. accept and recv are asked for
//            once and answer many times (multishot); recv takes a buffer from a pool when bytes are there, so that an
//            idle connection holds none.
// Needs:     Linux 5.19; where io_uring isn't there or isn't allowed, it says so and exits with 77.
// Compare:   labs/09-epoll/epoll.cpp

#include <liburing.h>
#include <sys/socket.h>

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
      const int submitted = io_uring_submit_and_wait(ring_.get(), 1);
      if (submitted < 0 && submitted != -EINTR) throw net::SystemError("io_uring_enter", -submitted);
      unsigned head = 0;
      unsigned count = 0;
      io_uring_cqe* completion = nullptr;
      io_uring_for_each_cqe(ring_.get(), head, completion) {
        complete(*completion);
        ++count;
      }
      io_uring_cq_advance(ring_.get(), count);
    }
  }

 private:
  void complete(const io_uring_cqe& completion) {
    const auto number = static_cast<int>(completion.user_data >> 8);
    switch (static_cast<Call>(completion.user_data & 0xff)) {
      case Call::accept:
        return accepted(completion);
      case Call::receive:
        received(number, completion);
        return go_on(number);
      case Call::send:
        sent(number, completion.res);
        return go_on(number);
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
      // With no descriptor left, not even for the spare, the next connection that ends makes room for an accept.
      is_accepting_ = spare_.accept_again(-completion.res);
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
    const int number = socket.number();
    const auto index = static_cast<std::size_t>(number);
    if (connections_.size() <= index) connections_.resize(index + 1);
    connections_[index].socket = std::move(socket);
    receive(number);
  }

  void received(int number, const io_uring_cqe& completion) {
    Connection& connection = at(number);
    if ((completion.flags & IORING_CQE_F_MORE) == 0) connection.is_receiving = false;
    if (completion.res > 0) {
      net::RequestWork::do_once();
      const int buffer = static_cast<int>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
      const auto bytes = ring_.pooled(buffer, static_cast<std::size_t>(completion.res));
      if (connection.sending.empty() && connection.unsent.empty() && !connection.is_broken) {
        connection.pooled = buffer;
        // Only what fits now: a pooled buffer must not wait for a client that doesn't read.
        return send(number, bytes, MSG_DONTWAIT);
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

  void sent(int number, int result) {
    Connection& connection = at(number);
    if (result < 0 && !net::is_try_again(-result)) connection.has_ended = connection.is_broken = true;
    const auto rest = connection.sending.subspan(result < 0 ? 0 : static_cast<std::size_t>(result));
    connection.unsent.insert(connection.unsent.begin(), rest.begin(), rest.end());
    if (connection.pooled >= 0) ring_.give_back(connection.pooled);
    connection.pooled = -1;
    connection.sending = {};
    connection.own = {};
  }

  // What a connection needs next, after whichever completion: it sends or it receives, and it ends when the kernel
  // works on nothing of it any more.
  void go_on(int number) {
    Connection& connection = at(number);
    if (connection.is_broken) connection.unsent = {};
    if (connection.sending.empty() && !connection.unsent.empty()) {
      connection.own = std::move(connection.unsent);
      connection.unsent = {};
      send(number, connection.own, MSG_WAITALL);
    }
    const bool is_slow = !connection.own.empty();
    if (connection.is_receiving && is_slow) stop_receiving(number);
    if (!connection.sending.empty()) return;
    if (!connection.has_ended && !connection.is_receiving) receive(number);
    if (!connection.has_ended) return;
    if (connection.is_receiving) {
      shutdown(number, SHUT_RDWR);  // ends the receive, whose completion comes here again
      return;
    }
    connection = Connection{};
    if (!is_accepting_) accept();
  }

  void accept() {
    is_accepting_ = true;
    io_uring_sqe& request = ring_.request();
    if (multishot_) {
      io_uring_prep_multishot_accept(&request, listener_.number(), nullptr, nullptr, SOCK_CLOEXEC);
    } else {
      io_uring_prep_accept(&request, listener_.number(), nullptr, nullptr, SOCK_CLOEXEC);
    }
    io_uring_sqe_set_data64(&request, about(Call::accept, listener_.number()));
  }

  void receive(int number) {
    at(number).is_receiving = true;
    io_uring_sqe& request = ring_.request();
    if (multishot_) {
      io_uring_prep_recv_multishot(&request, number, nullptr, 0, 0);
    } else {
      io_uring_prep_recv(&request, number, nullptr, Ring::buffer_bytes, 0);
    }
    ring_.let_kernel_choose_buffer(request);
    io_uring_sqe_set_data64(&request, about(Call::receive, number));
  }

  void send(int number, std::span<const char> bytes, int flags) {
    at(number).sending = bytes;
    io_uring_sqe& request = ring_.request();
    io_uring_prep_send(&request, number, bytes.data(), bytes.size(), MSG_NOSIGNAL | flags);
    io_uring_sqe_set_data64(&request, about(Call::send, number));
  }

  // A client that doesn't take its replies isn't read from: its bytes would fill this server's memory.
  void stop_receiving(int number) {
    io_uring_sqe& request = ring_.request();
    io_uring_prep_cancel64(&request, about(Call::receive, number), 0);
    io_uring_sqe_set_data64(&request, about(Call::cancel, number));
  }

  static std::uint64_t about(Call call, int number) {
    return static_cast<std::uint64_t>(number) << 8 | static_cast<std::uint64_t>(call);
  }
  Connection& at(int number) { return connections_[static_cast<std::size_t>(number)]; }

  net::FileDescriptor listener_;
  net::SpareDescriptor spare_;
  Ring ring_;
  std::vector<Connection> connections_;  // the descriptor's number is the index
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
