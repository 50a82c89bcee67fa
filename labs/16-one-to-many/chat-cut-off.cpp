// chat-cut-off: a room in which everybody hears everything, and who reads too slowly has to leave.
//
// Run:       build/bin/chat-cut-off --port 9000
//            then type into   nc 127.0.0.1 9000   in several terminals
// Look for:  a queue for each listener, and two limits. Over --queue-bytes he is cut off at once; over half
//            of it, when that has lasted for 2 seconds: a burst is forgiven, slowness isn't. He gets the rest
//            of a line that he has a part of, and is told why. So who stays has missed nothing.
// Compare:   diff labs/16-one-to-many/chat-drop.cpp labs/16-one-to-many/chat-cut-off.cpp

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
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

using namespace std::chrono_literals;
using Clock = Deadlines::Clock;

constexpr auto patience = 2s;  // with a queue that is more than half full
constexpr std::string_view last_line = "* cut off: you read too slowly\n";

struct Connection {
  net::FileDescriptor socket;
  net::PendingBytes pending;  // lines that the socket has not taken yet, the first one perhaps in part
  std::uint32_t watched = 0;
  bool has_ended = false;   // nothing more comes from him
  bool is_cut_off = false;  // no more is sent to him than his last lines
};

class Server {
 public:
  Server(net::FileDescriptor listener, std::size_t queue_bytes)
      : listener_(listener.fd()), queue_bytes_(queue_bytes) {
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
      lose_patience();
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
      leave(fd);
    } else if (room_.has(fd)) {
      say(fd, room_.hear(fd, std::span(buffer_).first(static_cast<std::size_t>(received))));
      if (!room_.has(fd)) leave(fd);
    }
  }

  // By an end or `/quit`: what he may be too slow for is his last lines alone now.
  void leave(int fd) {
    say(fd, room_.leave(fd));
    deadlines_.set(fd, Clock::now() + farewell);
  }

  // That somebody was cut off is said afterwards, not in between: everybody hears one order.
  void say(int speaker, const std::vector<Words>& all) {
    say_to_all(speaker, all);
    while (!cut_off_.empty()) {
      const int fd = cut_off_.back();
      cut_off_.pop_back();
      say_to_all(fd, room_.leave(fd));
    }
  }

  void say_to_all(int speaker, const std::vector<Words>& all) {
    for (const Words& words : all) {
      if (words.whom == Words::For::speaker) deliver(speaker, words.line);
      if (words.whom != Words::For::others) continue;
      for (const int listener : room_.guests()) {
        if (listener != speaker) deliver(listener, words.line);
      }
    }
  }

  // The policy: what the socket doesn't take waits; for whom that becomes too much, or lasts, is cut off.
  // A socket that is broken takes nothing, too: epoll tells of it, in its own turn.
  void deliver(int fd, std::string_view line) {
    Connection& connection = at(fd);
    if (connection.is_cut_off) return;
    if (connection.pending.bytes().size() + line.size() > queue_bytes_) return cut_off(fd);
    std::span<const char> unsent = line;
    if (connection.pending.empty()) {
      const ssize_t sent = send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
      if (sent > 0) unsent = unsent.subspan(static_cast<std::size_t>(sent));
    }
    connection.pending.append(unsent);
    if (is_slow(fd)) deadlines_.set_first(fd, Clock::now() + patience);
    watch_as_needed(fd);
  }

  bool is_slow(int fd) { return at(fd).pending.bytes().size() > queue_bytes_ / 2; }

  // Keeps of his queue the line that he may have a part of already, and tells him why it ends.
  void cut_off(int fd) {
    Connection& connection = at(fd);
    const std::span<const char> waiting = connection.pending.bytes();
    const auto line_feed = std::find(waiting.begin(), waiting.end(), '\n');
    net::PendingBytes last;
    last.append({waiting.begin(), line_feed == waiting.end() ? line_feed : line_feed + 1});
    last.append(last_line);
    connection.pending = std::move(last);
    connection.is_cut_off = true;
    cut_off_.push_back(fd);
    deadlines_.set(fd, Clock::now() + farewell);
    watch_as_needed(fd);
  }

  // For whose time is over: the farewell, or, if he has had that, the end.
  void lose_patience() {
    const auto now = Clock::now();
    while (const auto fd = deadlines_.take_due(now)) {
      if (!room_.has(*fd)) {
        forget(*fd);
      } else {
        cut_off(*fd);
        say(*fd, {});
      }
    }
  }

  // False if the connection is broken.
  bool send_pending(int fd) {
    Connection& connection = at(fd);
    const std::span<const char> unsent = connection.pending.bytes();
    const ssize_t sent = send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) return net::is_try_again(errno);
    connection.pending.consume(static_cast<std::size_t>(sent));
    if (room_.has(fd) && !is_slow(fd)) deadlines_.erase(fd);
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
  const std::size_t queue_bytes_;
  Room room_;
  Deadlines deadlines_;                  // of the slow ones, and of those who have left
  std::vector<int> cut_off_;             // of whom the others haven't heard yet
  std::vector<Connection> connections_;  // the descriptor is the index; the listener stands among them
  net::FileDescriptor epoll_{epoll_create1(EPOLL_CLOEXEC)};
  net::SpareDescriptor spare_;
  std::array<char, 16 * 1024> buffer_{};  // one for all: between two turns it holds nothing
};

}  // namespace

int main(int argc, char** argv) {
  return run_chat_with_queues(argc, argv, "Chat room: who reads too slowly is cut off.",
                              [](net::FileDescriptor listener, std::size_t queue_bytes) {
                                Server(std::move(listener), queue_bytes).run();
                              });
}
