#include "labs/12-coroutines/event_loop.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include "labs/12-coroutines/echo.h"

namespace {

struct Pair {
  net::FileDescriptor ours, peer;
};

Pair pair(int type = SOCK_STREAM | SOCK_NONBLOCK) {
  std::array<int, 2> ends{};
  REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return {net::FileDescriptor(ends[0]), net::FileDescriptor(ends[1])};
}

void say_to(const net::FileDescriptor& peer, const std::string& text) {
  REQUIRE(send(peer.fd(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

std::string heard_from(const net::FileDescriptor& peer) {
  std::string text(1 << 20, '\0');
  const ssize_t count = recv(peer.fd(), text.data(), text.size(), MSG_DONTWAIT);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return text;
}

bool is_closed(int fd) { return write(fd, "", 0) < 0 && errno == EBADF; }

// Notes each step, and that its frame is gone.
struct Trace {
  std::vector<std::string>& steps;
  std::string name;
  void note(const std::string& step) const { steps.push_back(name + " " + step); }
  ~Trace() { note("freed"); }
};

Detached reader(Socket socket, std::vector<std::string>& steps, std::string name) {
  const Trace trace{steps, std::move(name)};
  trace.note("starts");
  for (;;) {
    co_await socket.readable();
    const std::string text = heard_from(net::FileDescriptor(dup(socket.fd())));
    if (text.empty()) co_return;
    trace.note("reads " + text);
  }
}

Detached fails(Socket socket) {
  co_await socket.readable();
  throw std::runtime_error("a client's fault");
}

Essential fails_for_all(Socket socket) {
  co_await socket.readable();
  throw std::runtime_error("nothing works any more");
}

}  // namespace

TEST_CASE("a coroutine runs to its first wait, goes on when its socket is ready, and is freed at its end") {
  EventLoop loop;
  std::vector<std::string> steps;
  Pair a = pair();
  Pair b = pair();
  const int fd = a.ours.fd();
  reader(Socket(loop, std::move(a.ours)), steps, "a");
  reader(Socket(loop, std::move(b.ours)), steps, "b");
  CHECK(steps == std::vector<std::string>{"a starts", "b starts"});
  steps.clear();
  say_to(b.peer, "1");
  loop.run_once();
  CHECK(steps == std::vector<std::string>{"b reads 1"});
  say_to(a.peer, "2");
  loop.run_once();
  CHECK(steps == std::vector<std::string>{"b reads 1", "a reads 2"});
  steps.clear();
  a.peer.close();
  loop.run_once();
  CHECK(steps == std::vector<std::string>{"a freed"});
  CHECK(is_closed(fd));
  b.peer.close();
  loop.run_once();
  CHECK(steps == std::vector<std::string>{"a freed", "b freed"});
}

TEST_CASE("all that are ready go on in one round, each once") {
  EventLoop loop;
  std::vector<std::string> steps;
  std::vector<Pair> pairs;
  for (int i = 0; i < 20; ++i) {
    pairs.push_back(pair());
    reader(Socket(loop, std::move(pairs.back().ours)), steps, std::to_string(i));
    say_to(pairs.back().peer, "x");
  }
  steps.clear();
  loop.run_once();
  CHECK(steps.size() == 20);
  pairs.clear();
  loop.run_once();
  CHECK(steps.size() == 40);
}

// The frame of the second one stays: where nothing works any more, the program ends.
TEST_CASE("an exception ends its coroutine alone, unless that is essential") {
  EventLoop loop;
  Pair one = pair();
  const int fd = one.ours.fd();
  fails(Socket(loop, std::move(one.ours)));
  say_to(one.peer, "x");
  CHECK_NOTHROW(loop.run_once());
  CHECK(is_closed(fd));

  Pair other = pair();
  fails_for_all(Socket(loop, std::move(other.ours)));
  say_to(other.peer, "x");
  CHECK_THROWS_WITH_AS(loop.run_once(), "nothing works any more", std::runtime_error);
}

TEST_CASE("what the kernel can't watch is an exception in the coroutine that waits") {
  EventLoop loop;
  // epoll doesn't take a regular file (EPERM).
  std::array<char, 32> name{"/tmp/coroutines-XXXXXX"};
  net::FileDescriptor file{mkstemp(name.data())};
  REQUIRE(file);
  unlink(name.data());
  const int fd = file.fd();
  fails(Socket(loop, std::move(file)));
  CHECK(is_closed(fd));
}

TEST_CASE(
    "echo sends back what it gets, waits while the client takes nothing, and frees its memory afterwards") {
  EventLoop loop;
  Pair client = pair();
  const int fd = client.ours.fd();
  echo(Socket(loop, std::move(client.ours)));
  say_to(client.peer, "hello");
  loop.run_once();
  CHECK(heard_from(client.peer) == "hello");

  // More than its end takes at once: it has to wait for writability, and nothing is lost or out of order.
  const int little = 4096;
  REQUIRE(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)) == 0);
  std::string sent(100'000, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i % 251);
  say_to(client.peer, sent);
  std::string heard;
  while (heard.size() < sent.size()) {
    loop.run_once();
    heard += heard_from(client.peer);
  }
  CHECK(heard == sent);
  shutdown(client.peer.fd(), SHUT_WR);
  loop.run_once();
  CHECK(is_closed(fd));
}
