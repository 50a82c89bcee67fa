// coroutines: each client has a coroutine of its own, which waits as a thread does, at the price of an epoll
// server.
//
// Run:       build/bin/coroutines --port 9000
//            then open   nc 127.0.0.1 9000   in several terminals; a silent one stops no other
// Look for:  echo() in echo.h reads like the thread's function of lab 05, top to bottom, with co_await where
//            that one blocks. There is one thread and one epoll_wait (event_loop.h). A waiting client costs
//            its coroutine's frame, about a hundred bytes, where a thread costs a stack and a kernel thread.
// Compare:   diff labs/05-thread-per-connection/thread-per-connection.cpp labs/12-coroutines/echo.h
//            diff labs/09-epoll/epoll.cpp labs/12-coroutines/event_loop.h

#include <sys/socket.h>

#include <cerrno>

#include "common/net/listener.h"
#include "common/net/server.h"
#include "labs/12-coroutines/echo.h"
#include "labs/12-coroutines/event_loop.h"

namespace {

class Server {
 public:
  explicit Server(net::FileDescriptor listener) {
    net::set_nonblocking(listener);
    accept_all(Socket(loop_, std::move(listener)));
  }

  void run() { loop_.run(); }

 private:
  Essential accept_all(Socket listener) {
    for (;;) {
      co_await listener.readable();
      // Takes up to 64 of those that wait: a flood of clients must not keep the connected ones waiting.
      for (int i = 0; i < 64 && accept_one(listener); ++i) {
      }
    }
  }

  // False when there is none to accept now.
  bool accept_one(const Socket& listener) {
    net::FileDescriptor socket{accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!socket) return spare_.accept_again(listener.fd(), errno);
    net::disable_nagle(socket);
    echo(Socket(loop_, std::move(socket)));
    return true;
  }

  EventLoop loop_;
  net::SpareDescriptor spare_;
};

}  // namespace

int main(int argc, char** argv) {
  return net::run_server(argc, argv, "Echo server: one thread, a coroutine for each connection.",
                         [](net::FileDescriptor listener) { Server(std::move(listener)).run(); });
}
