// chat-keep: a room in which everybody hears everything, and what a listener doesn't take waits for him.
//
// Run:       build/bin/chat-keep --port 9000
//            then type into   nc 127.0.0.1 9000   in several terminals
// Look for:  what a listener's socket doesn't take waits in a queue of his own, until there is room again
//            (EPOLLOUT). The room waits for nobody, and nobody misses a byte. But nothing bounds the queue:
//            one listener who doesn't read, and the memory grows by all that is said.
// Compare:   diff labs/16-one-to-many/chat-forget.cpp labs/16-one-to-many/chat-keep.cpp

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <span>
#include <string_view>
#include <vector>

#include "common/net/listener.h"
#include "common/net/pending_bytes.h"
#include "common/net/system_error.h"
#include "labs/16-one-to-many/deadlines.h"
#include "labs/16-one-to-many/room.h"
#include "labs/16-one-to-many/run_chat.h"

namespace {

using Clock = Deadlines::Clock;

struct Connection {
  net::FileDescriptor socket;
  net::PendingBytes pending;  // lines that the socket has not taken yet, the first one perhaps in part
  std::uint32_t watched = 0;
  bool has_ended = false;  // nothing more comes from him
};

class Server {
 public:
  explicit Server(net::FileDescriptor listener) : listener_(listener.fd()) {
    if (!epoll_) throw net::SystemError("epoll_create1");
    net::set_nonblocking(listener);
    if (!watch(listener_, EPOLLIN)) throw net::SystemError("watch listener");
    at(listener_).socket = std::move(listener);
  }

  void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int ready =
          epoll_wait(epoll_.fd(), events.data(), events.size(), deadlines_.milliseconds_left(Clock::now()));
      if (ready < 0 && errno != EINTR) throw net::SystemError("epoll_wait");
      for (int i = 0; i < ready; ++i) {
        const epoll_event& event = events[index(i)];
        const int fd = event.data.fd;  // closed only in its own turn, so still the one it was
        if (fd == listener_) {
          accept_waiting();
        } else {
          serve(fd, event.events);
        }
      }
      while (const auto fd = deadlines_.take_due(Clock::now())) forget(*fd);
    }
  }

 private:
  // Takes up to 64 of those that wait: a flood of clients must not keep the connected ones waiting.
  void accept_waiting() {
    for (int i = 0; i < 64; ++i) {
      net::FileDescriptor socket{accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (!socket && !spare_.accept_again(listener_, errno)) return;
      if (!socket) continue;
      net::disable_nagle(socket);
      const int fd = socket.fd();
      if (!watch(fd, EPOLLIN)) continue;
      at(fd).socket = std::move(socket);
      say(fd, room_.enter(fd));
    }
  }

  // One turn of a client: what waits for him is sent, what he says is heard. Who has left the room gets what
  // waited for him, then the end; his own end is waited for a while, since to close with bytes unread is a
  // reset. An error or a hang-up (EPOLLERR, EPOLLHUP) is left for send and recv to tell.
  void serve(int fd, std::uint32_t events) {
    Connection& connection = at(fd);
    if (events != EPOLLIN && !connection.pending.empty() && !send_pending(fd)) return forget(fd);
    if (events != EPOLLOUT && !connection.has_ended) receive(fd);
    if (!room_.has(fd)) deadlines_.set_first(fd, Clock::now() + farewell);
    if (!room_.has(fd) && connection.pending.empty()) {
      if (connection.has_ended) return forget(fd);
      shutdown(fd, SHUT_WR);  // fails only if the connection is broken: then the next turn says so
    }
    watch_as_needed(fd);
  }

  void receive(int fd) {
    const ssize_t received = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (received < 0 && net::is_try_again(errno)) return;
    if (received <= 0) {
      at(fd).has_ended = true;
      say(fd, room_.leave(fd));
    } else if (room_.has(fd)) {
      say(fd, room_.hear(fd, std::span(buffer_).first(static_cast<std::size_t>(received))));
    }
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

  // The policy: what the socket doesn't take waits, however much that is.
  // A socket that is broken takes nothing, too: epoll tells of it, in its own turn.
  void deliver(int fd, std::string_view line) {
    Connection& connection = at(fd);
    std::span<const char> unsent = line;
    if (connection.pending.empty()) {
      const ssize_t sent = send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
      if (sent > 0) unsent = unsent.subspan(static_cast<std::size_t>(sent));
    }
    connection.pending.append(unsent);
    watch_as_needed(fd);
  }

  // False if the connection is broken.
  bool send_pending(int fd) {
    Connection& connection = at(fd);
    const std::span<const char> unsent = connection.pending.bytes();
    const ssize_t sent = send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) return net::is_try_again(errno);
    connection.pending.consume(static_cast<std::size_t>(sent));
    return true;
  }

  void watch_as_needed(int fd) {
    const Connection& connection = at(fd);
    std::uint32_t events = 0;
    if (!connection.has_ended) events |= EPOLLIN;
    if (!connection.pending.empty()) events |= EPOLLOUT;
    if (events != connection.watched && !watch(fd, events)) throw net::SystemError("watch connection");
  }

  // False if it can't be watched, and errno says why.
  bool watch(int fd, std::uint32_t events) {
    const int operation = at(fd).socket ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    epoll_event event{.events = events, .data = {.fd = fd}};
    if (epoll_ctl(epoll_.fd(), operation, fd, &event) < 0)
      return false;  // a user may watch so many: epoll(7)
    at(fd).watched = events;
    return true;
  }

  void forget(int fd) {
    say(fd, room_.leave(fd));
    deadlines_.erase(fd);
    at(fd) = Connection{};  // close also takes it out of the epoll set
    while (!connections_.back().socket) connections_.pop_back();
  }

  Connection& at(int fd) {
    if (connections_.size() <= index(fd)) connections_.resize(index(fd) + 1);
    return connections_[index(fd)];
  }

  static std::size_t index(int fd) { return static_cast<std::size_t>(fd); }

  const int listener_;
  Room room_;
  std::vector<Connection> connections_;  // the descriptor is the index; the listener stands among them
  net::FileDescriptor epoll_{epoll_create1(EPOLL_CLOEXEC)};
  net::SpareDescriptor spare_;
  Deadlines deadlines_;                   // of those who have left the room and not ended yet
  std::array<char, 16 * 1024> buffer_{};  // one for all: between two turns it holds nothing
};

}  // namespace

int main(int argc, char** argv) {
  return run_chat(argc, argv, "Chat room: what a slow listener doesn't take waits for him, without end.",
                  [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
