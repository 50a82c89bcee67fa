// who-resumes-whom: the loop and two coroutines of lab 12, step by step: who runs, who resumes whom, and who
// waits.
//
// Run:       build/bin/who-resumes-whom
// Look for:  one thing runs at a time. co_await doesn't wait: it returns to the loop, and the coroutine is
//            left suspended in its column. Only the loop waits, in epoll_wait, and only it resumes; a
//            coroutine never resumes another one. Both run echo() of echo.h, as the server's do.

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <coroutine>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/net/command_line.h"
#include "common/net/connection.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "labs/12-coroutines/echo.h"
#include "labs/12-coroutines/event_loop.h"

namespace {

enum class Column { loop, a, b };

// A line for each thing that happens, in the column of whoever does it.
class Steps {
 public:
  Steps() { fmt::print("step  {:<27}{:<23}{}\n", "the loop", "coroutine A", "coroutine B"); }

  void say(Column column, std::string_view text) {
    const std::size_t indent = column == Column::loop ? 0 : column == Column::a ? 27 : 50;
    fmt::print("{:4}  {:{}}{}\n", ++number_, "", indent, text);
  }

  void say_resumed(Column column, std::string_view text) {
    ++(column == Column::a ? resumed_a_ : resumed_b_);
    say(column, text);
  }

  void say_wait() {
    ++waits_;
    say(Column::loop, "epoll_wait; resumes:");
  }

  void report() const {
    fmt::print("epoll_wait: {} times; resumed: A {}, B {}\n", waits_, resumed_a_, resumed_b_);
  }

 private:
  int number_ = 0;
  int waits_ = 0;
  int resumed_a_ = 0;
  int resumed_b_ = 0;
};

// A Socket that tells when its coroutine is suspended, resumed and at its end.
class ToldSocket {
 public:
  ToldSocket(EventLoop& loop, net::FileDescriptor of, Steps& steps, Column column)
      : socket_(loop, std::move(of)), steps_(&steps), column_(column) {}
  ToldSocket(ToldSocket&&) = default;
  ToldSocket(const ToldSocket&) = delete;
  ToldSocket& operator=(const ToldSocket&) = delete;
  ToldSocket& operator=(ToldSocket&&) = delete;
  ~ToldSocket() {
    if (socket_.fd() >= 0) steps_->say(column_, "ends; frame freed");  // else it was moved from
  }

  int fd() const { return socket_.fd(); }
  std::span<char> buffer() const { return socket_.buffer(); }

  struct Readable : Socket::Readable {
    ToldSocket& told;
    explicit Readable(ToldSocket& of) : Socket::Readable(of.socket_), told(of) {}
    void await_suspend(std::coroutine_handle<> waiting) const {
      told.steps_->say(told.column_, "co_await: suspended");
      Socket::Readable::await_suspend(waiting);
    }
    void await_resume() const { told.say_what_came(); }
  };
  Readable readable() { return Readable(*this); }
  Socket::Writable writable() { return socket_.writable(); }  // these replies always fit

 private:
  void say_what_came() const {
    int unread = 0;
    if (ioctl(fd(), FIONREAD, &unread) < 0) throw net::SystemError("ioctl FIONREAD");
    steps_->say_resumed(column_, unread > 0 ? fmt::format("resumed: echoes {}", unread) : "resumed: the end");
  }

  Socket socket_;
  Steps* steps_;
  Column column_;
};

// A coroutine's client: this program plays it too.
net::FileDescriptor start(EventLoop& loop, Steps& steps, Column column, const std::string& name) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) < 0)
    throw net::SystemError("socketpair");
  net::FileDescriptor client(ends[0]);
  steps.say(Column::loop, "starts " + name);
  echo(ToldSocket(loop, net::FileDescriptor(ends[1]), steps, column));
  return client;
}

// What the clients have done makes sockets ready; the loop waits for that, and resumes.
void turn(EventLoop& loop, Steps& steps, const std::string& what_clients_did) {
  fmt::print("      -- {} --\n", what_clients_did);
  steps.say_wait();
  loop.run_once();
}

void step_through() {
  Steps steps;
  EventLoop loop;
  net::FileDescriptor a = start(loop, steps, Column::a, "A");
  const net::FileDescriptor b = start(loop, steps, Column::b, "B");
  net::send_all(b, std::string_view("hello"));
  turn(loop, steps, "B's client says 5 bytes, A's is silent");
  net::send_all(a, std::string_view("you, too"));
  net::send_all(b, std::string_view("again"));
  turn(loop, steps, "both clients speak");
  a = net::FileDescriptor();
  turn(loop, steps, "A's client leaves");
  fmt::print("      -- B's client is silent: its coroutine stays at co_await --\n");
  steps.report();
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine options("who-resumes-whom", "Shows the loop and two coroutines, step by step.");
  options.parse(argc, argv);
  return net::run_program("who-resumes-whom", [] {
    step_through();
    return 0;
  });
}
