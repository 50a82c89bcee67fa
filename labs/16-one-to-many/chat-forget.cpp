// chat-forget: a room in which a line is sent once, and what the socket didn't take is forgotten.
//
// Run:       build/bin/chat-forget --port 9000
//            then type into   nc 127.0.0.1 9000   in several terminals
// Look for:  the sockets don't block, so the room waits for nobody. But send takes what fits, and nobody
//            looks at its answer: to a listener who doesn't read, lines are lost, and where the send buffer
//            was nearly full one is torn: its end is missing, and the next line is glued to it.
// Compare:   diff labs/16-one-to-many/chat-wait.cpp labs/16-one-to-many/chat-forget.cpp

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <span>
#include <string_view>
#include <vector>

#include "common/net/listener.h"
#include "common/net/system_error.h"
#include "labs/16-one-to-many/deadlines.h"
#include "labs/16-one-to-many/room.h"
#include "labs/16-one-to-many/run_chat.h"

namespace {

using Clock = Deadlines::Clock;

struct Connection {
  net::FileDescriptor socket;
  bool has_ended = false;  // nothing more comes from him
};

class Server {
 public:
  explicit Server(net::FileDescriptor listener) : listener_(listener.fd()) {
    if (!epoll_) throw net::SystemError("epoll_create1");
    net::set_nonblocking(listener);
    if (!watch(listener_)) throw net::SystemError("watch listener");
    at(listener_).socket = std::move(listener);
  }

  void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int ready =
          epoll_wait(epoll_.fd(), events.data(), events.size(), deadlines_.milliseconds_left(Clock::now()));
      if (ready < 0 && errno != EINTR) throw net::SystemError("epoll_wait");
      for (int i = 0; i < ready; ++i) {
        const int fd = events[index(i)].data.fd;  // closed only in its own turn, so still the one it was
        if (fd == listener_) {
          accept_waiting();
        } else {
          serve(fd);
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
      if (!watch(fd)) continue;
      at(fd).socket = std::move(socket);
      say(fd, room_.enter(fd));
    }
  }

  // One turn of a client: what he says is heard. Who has left the room gets the end; his own end is waited
  // for a while, since to close with bytes unread is a reset. An error or a hang-up (EPOLLERR, EPOLLHUP) is
  // left for recv to tell.
  void serve(int fd) {
    receive(fd);
    if (!room_.has(fd)) {
      if (at(fd).has_ended) return forget(fd);
      deadlines_.set_first(fd, Clock::now() + farewell);
      shutdown(fd, SHUT_WR);  // fails only if the connection is broken: then the next turn says so
    }
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

  // The policy: the socket is asked once, and its answer isn't looked at.
  // A socket that is broken takes nothing, too: epoll tells of it, in its own turn.
  void deliver(int fd, std::string_view line) {
    static_cast<void>(send(fd, line.data(), line.size(), MSG_NOSIGNAL));
  }

  // False if it can't be watched, and errno says why.
  bool watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    return epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, fd, &event) == 0;  // a user may watch so many: epoll(7)
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
  return run_chat(argc, argv, "Chat room: what a listener doesn't take at once is lost.",
                  [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
