// chat-io-uring: chat-drop's room, where a line for a thousand listeners is one system call.
//
// Run:       build/bin/chat-io-uring --port 9000
//            then type into   nc 127.0.0.1 9000   in several terminals
// Look for:  to say a line is to write a request for each listener into the ring. One io_uring_enter hands
//            all of them to the kernel, and waits for whoever speaks next: strace -c shows no send.
//            What the kernel sends from must stay where it is until it is done: so a listener has two queues,
//            one under way and one that waits. And a send that is done at once says nothing, for that would
//            end the wait (IOSQE_CQE_SKIP_SUCCESS, lab 13).
// Needs:     Linux 5.19; where io_uring isn't there or isn't allowed, it says so and exits with 77.
// Compare:   diff labs/16-one-to-many/chat-drop.cpp labs/16-one-to-many/chat-io-uring.cpp

#include <liburing.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <deque>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "common/net/listener.h"
#include "common/net/pending_bytes.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "labs/16-one-to-many/chat_ring.h"
#include "labs/16-one-to-many/deadlines.h"
#include "labs/16-one-to-many/room.h"
#include "labs/16-one-to-many/run_chat.h"

namespace {

using Clock = Deadlines::Clock;

// The kernel works on two calls for each at most: it receives, and it sends what is under way.
struct Connection {
  net::FileDescriptor socket;
  std::array<char, 1024> received{};
  net::PendingBytes under_way;  // the kernel reads from here: nothing is appended
  net::PendingBytes pending;    // lines that wait until all of that was taken
  bool is_tried = false;        // what is under way was handed over, and nothing has been heard of it
  std::size_t dropped = 0;      // lines since he was last told
  bool has_left = false;        // the room: asked once a delivery, and the room would have to look for him
  bool has_ended = false;       // nothing more comes from him

  bool is_empty() const { return under_way.empty() && pending.empty(); }
};

class Server {
 public:
  Server(net::FileDescriptor listener, std::size_t queue_bytes)
      : listener_(std::move(listener)), queue_bytes_(queue_bytes) {
    accept();
  }

  // One who speaks or comes a round: what follows from it has been tried on all sockets before the next one
  // is heard. Otherwise many who speak at once would fill the queues of those who do read.
  void run() {
    for (;;) {
      for (const int fd : touched_) try_send(fd);
      ring_.enter(heard_.empty() ? 1 : 0, deadlines_.milliseconds_left(Clock::now()));
      settle_sends();
      // What the kernel still does for him fails now, and tells of it: then he is forgotten.
      while (const auto fd = deadlines_.take_due(Clock::now())) shutdown(*fd, SHUT_RDWR);
      if (heard_.empty()) continue;
      const Completion first = heard_.front();
      heard_.pop_front();
      first.call == Call::accept ? accepted(first) : received(first);
    }
  }

 private:
  // A try doesn't wait: it was over when it had been handed over. If it failed, or sent only a part, its
  // completion is there, for all are collected first. All others went out whole.
  void settle_sends() {
    std::vector<Completion> sends;
    while (const auto completion = ring_.next()) {
      const bool is_send = completion->call == Call::send || completion->call == Call::try_send;
      is_send ? sends.push_back(*completion) : heard_.push_back(*completion);
      if (is_send) at(completion->fd).is_tried = false;
    }
    for (const int fd : std::exchange(touched_, {})) {
      if (std::exchange(at(fd).is_tried, false)) {
        sent({.call = Call::send, .fd = fd, .result = static_cast<int>(at(fd).under_way.bytes().size())});
      }
    }
    for (const Completion& completion : sends) sent(completion);
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
    say(fd, room_.enter(fd));
  }

  void received(const Completion& completion) {
    const int fd = completion.fd;
    if (completion.result < 0 && net::is_try_again(-completion.result)) return receive(fd);
    if (completion.result <= 0) {
      at(fd).has_ended = at(fd).has_left = true;
      say(fd, room_.leave(fd));
    } else {
      const auto bytes = std::span(at(fd).received).first(static_cast<std::size_t>(completion.result));
      if (!at(fd).has_left) say(fd, room_.hear(fd, bytes));
      at(fd).has_left = !room_.has(fd);
      receive(fd);
    }
    end_if_done(fd);
  }

  void sent(const Completion& completion) {
    const int fd = completion.fd;
    Connection& connection = at(fd);
    if (completion.result >= 0) {
      connection.under_way.consume(static_cast<std::size_t>(completion.result));
    } else if (!net::is_try_again(-completion.result)) {  // broken: the receive tells of it, too
      connection.under_way = connection.pending = {};
      connection.dropped = 0;
    }
    if (connection.is_empty() && connection.dropped > 0) return deliver(fd, {});
    if (!connection.is_empty()) return send(fd);
    end_if_done(fd);
  }

  // Who has left the room gets what waited for him, then the end; his own end is waited for a while, since to
  // close with bytes unread is a reset.
  void end_if_done(int fd) {
    if (!at(fd).has_left) return;
    deadlines_.set_first(fd, Clock::now() + farewell);
    if (!at(fd).is_empty()) return;
    if (at(fd).has_ended) return forget(fd);
    shutdown(fd, SHUT_WR);  // fails only if the connection is broken: then the receive says so
  }

  // All words to all listeners before anything else is said: everybody hears one order.
  void say(int speaker, const std::vector<Words>& all) {
    for (const Words& words : all) {
      if (words.whom == Words::For::speaker) deliver(speaker, words.line);
      if (words.whom != Words::For::others) continue;
      for (const int listener : room_.guests()) {
        if (listener != speaker) deliver(listener, words.line);
      }
    }
  }

  // The policy: what the socket doesn't take waits; a line that would make that too much is dropped, whole.
  // What this round brings is not waiting yet: the socket is asked before the next round.
  void deliver(int fd, std::string_view line) {
    Connection& connection = at(fd);
    std::string both;  // what he missed, and the line: mostly he missed nothing, and nothing is copied
    if (connection.dropped > 0) line = both = dropped_lines(connection.dropped).append(line);
    const std::size_t waiting = connection.under_way.bytes().size() + connection.pending.bytes().size();
    if (!connection.under_way.empty() && waiting + line.size() > queue_bytes_) {
      ++connection.dropped;
      return;
    }
    connection.dropped = 0;
    if (connection.is_empty()) touched_.push_back(fd);
    connection.pending.append(line);
  }

  void accept() {
    is_accepting_ = true;
    io_uring_sqe& request = ring_.request();
    io_uring_prep_multishot_accept(&request, listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    label(request, Call::accept, listener_.fd());
  }

  void receive(int fd) {
    io_uring_sqe& request = ring_.request();
    io_uring_prep_recv(&request, fd, at(fd).received.data(), at(fd).received.size(), 0);
    request.ioprio |= IORING_RECVSEND_POLL_FIRST;  // bytes are hardly ever there yet: not to ask in vain
    label(request, Call::receive, fd);
  }

  // Sends all of it at once or says why not (MSG_DONTWAIT, MSG_WAITALL). Success is told of, too, where
  // something has to follow at once: the end, or how many lines were dropped.
  void try_send(int fd) {
    io_uring_sqe& request = prepare_send(fd, MSG_DONTWAIT | MSG_WAITALL);
    if (!at(fd).has_left && at(fd).dropped == 0) request.flags |= IOSQE_CQE_SKIP_SUCCESS;
    label(request, Call::try_send, fd);
    at(fd).is_tried = true;
  }

  // Waits for room, and sends what fits.
  void send(int fd) { label(prepare_send(fd, 0), Call::send, fd); }

  io_uring_sqe& prepare_send(int fd, int flags) {
    Connection& connection = at(fd);
    if (connection.under_way.empty()) std::swap(connection.under_way, connection.pending);
    const std::span<const char> bytes = connection.under_way.bytes();
    io_uring_sqe& request = ring_.request();
    io_uring_prep_send(&request, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | flags);
    return request;
  }

  // The kernel works on nothing of this connection any more.
  void forget(int fd) {
    deadlines_.erase(fd);
    at(fd) = Connection{};
    if (!is_accepting_) accept();
  }

  Connection& at(int fd) { return connections_[index(fd)]; }
  static std::size_t index(int fd) { return static_cast<std::size_t>(fd); }

  const net::FileDescriptor listener_;
  const std::size_t queue_bytes_;
  Room room_;
  std::deque<Connection>
      connections_;               // the descriptor is the index; the kernel knows their places: none moves
  std::deque<Completion> heard_;  // who has spoken or come, and wasn't attended to yet
  std::vector<int> touched_;      // for whom there are lines, and nothing was under way before
  net::SpareDescriptor spare_;
  Deadlines deadlines_;  // of those who have left the room and not ended yet
  ChatRing ring_;
  bool is_accepting_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  if (!can_have_a_ring()) return net::cannot_run_here;
  return run_chat_with_queues(argc, argv, "Chat room: a line to all listeners is one io_uring_enter.",
                              [](net::FileDescriptor listener, std::size_t queue_bytes) {
                                Server(std::move(listener), queue_bytes).run();
                              });
}
