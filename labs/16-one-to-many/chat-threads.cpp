// chat-threads: a room in which each client has a thread, and one lock makes the order of what is said.
//
// Run:       build/bin/chat-threads --port 9000
//            then type into   nc 127.0.0.1 9000   in several terminals
// Look for:  each thread may wait for its own client as long as it likes. But a line goes to all of them, and
//            the speaker's thread sends it while it holds the room's lock: who doesn't read stops that one
//            send, and the lock stops everybody else. Threads are no cure where all share one thing.
// Compare:   diff labs/16-one-to-many/chat-wait.cpp labs/16-one-to-many/chat-threads.cpp

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "common/net/listener.h"
#include "common/net/system_error.h"
#include "labs/16-one-to-many/deadlines.h"
#include "labs/16-one-to-many/room.h"
#include "labs/16-one-to-many/run_chat.h"

namespace {

using Clock = Deadlines::Clock;

class Server {
 public:
  explicit Server(net::FileDescriptor listener) : listener_(std::move(listener)) {}

  void run() {
    for (;;) {
      accept_one();
    }
  }

 private:
  void accept_one() {
    net::FileDescriptor socket{accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!socket) {
      spare_.accept_again(listener_.fd(), errno);
      return;
    }
    net::disable_nagle(socket);
    try {
      // Detached: nobody waits for its end. The server outlives them all: only a signal ends it, with _exit.
      std::thread(&Server::serve, this, std::move(socket)).detach();
    } catch (const std::system_error& error) {
      // The thread limit or memory: this client is refused (its socket closes here), the others go on.
      refusal_.say(std::string("connection refused: pthread_create: ") + error.what());
    }
  }

  // The whole life of a client. Who has left the room gets the end; his own end is waited for a while,
  // since to close with bytes unread is a reset. His descriptor is closed when no other thread knows it any
  // more.
  void serve(net::FileDescriptor connection) {
    const int fd = connection.fd();
    {
      const std::lock_guard lock(mutex_);
      say(fd, room_.enter(fd));
    }
    std::array<char, 16 * 1024> buffer;
    for (;;) {
      const ssize_t received = recv(fd, buffer.data(), buffer.size(), 0);
      if (received < 0 && net::is_try_again(errno)) continue;
      const std::lock_guard lock(mutex_);
      if (received <= 0) return say(fd, room_.leave(fd));
      say(fd, room_.hear(fd, std::span(buffer).first(static_cast<std::size_t>(received))));
      if (!room_.has(fd)) break;
    }
    end(fd);
  }

  // Ends our direction, and reads until he has ended his, or the farewell is over: each recv may take what is
  // left of it, or one byte now and then would make it longer.
  static void end(int fd) {
    shutdown(fd, SHUT_WR);  // fails only if the connection is broken: then recv says so
    std::array<char, 4096> unread;
    const auto until = Clock::now() + farewell;
    for (auto now = Clock::now(); now < until; now = Clock::now()) {
      const auto left = std::chrono::ceil<std::chrono::microseconds>(until - now).count();  // 0: without end
      const timeval longest{.tv_sec = left / 1'000'000, .tv_usec = left % 1'000'000};
      if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest)) < 0) return;
      const ssize_t received = recv(fd, unread.data(), unread.size(), 0);
      if (received == 0 || (received < 0 && !net::is_try_again(errno))) return;
    }
  }

  // All words to all listeners before anything else is said: everybody hears one order. The caller holds the
  // lock until then; without it two threads would send into one socket, the halves of their lines mixed.
  void say(int speaker, const std::vector<Words>& all) {
    for (const Words& words : all) {
      if (words.whom == Words::For::speaker) deliver(speaker, words.line);
      if (words.whom != Words::For::others) continue;
      for (const int listener : room_.guests()) {
        if (listener != speaker) deliver(listener, words.line);
      }
    }
  }

  // The policy: waits until the socket has taken all of it; all who have something to say wait with it.
  // A socket that is broken takes nothing, too: recv tells of it, in its own thread.
  void deliver(int fd, std::string_view line) {
    while (!line.empty()) {
      const ssize_t sent = send(fd, line.data(), line.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EINTR) return;
      if (sent > 0) line.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  net::FileDescriptor listener_;
  net::SpareDescriptor spare_;
  net::Complaint refusal_;
  std::mutex mutex_;
  Room room_;  // guarded by the mutex, and so is each send
};

}  // namespace

int main(int argc, char** argv) {
  return run_chat(argc, argv, "Chat room: a thread for each client, one lock for the room.",
                  [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
