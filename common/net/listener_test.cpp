#include "common/net/listener.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "common/net/system_error.h"

using net::Address;
using net::FileDescriptor;

namespace {

Address any_port() { return Address::resolve("127.0.0.1", 0).front(); }

FileDescriptor connect_to(const FileDescriptor& listener) {
  const Address server = Address::of_socket(listener.fd());
  FileDescriptor client{socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
  REQUIRE(client);
  REQUIRE(connect(client.fd(), server.data(), server.size()) == 0);
  return client;
}

FileDescriptor accept_from(const FileDescriptor& listener) {
  return FileDescriptor{accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
}

int option(const FileDescriptor& socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  REQUIRE(getsockopt(socket.fd(), level, name, &value, &size) == 0);
  return value;
}

bool has_ended(const FileDescriptor& client) {
  pollfd waiting{.fd = client.fd(), .events = POLLIN, .revents = 0};
  char byte = 0;
  return poll(&waiting, 1, 5000) == 1 && recv(client.fd(), &byte, 1, 0) <= 0;
}

// By an open /proc/…/stat of a thread: whether it sleeps (proc_pid_stat(5)).
bool is_asleep(const FileDescriptor& stat) {
  std::array<char, 512> text{};
  REQUIRE(pread(stat.fd(), text.data(), text.size() - 1, 0) > 0);
  return std::string(text.data()).find(") S ") != std::string::npos;
}

// No descriptor is left while this lives: lowers the limit and takes all below it.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit lowered{.rlim_cur = 100, .rlim_max = before_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &lowered) == 0);
    int next = -1;
    while ((next = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) taken_.emplace_back(next);
    REQUIRE(errno == EMFILE);
  }
  ~NoDescriptorsLeft() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptorsLeft(const NoDescriptorsLeft&) = delete;
  NoDescriptorsLeft& operator=(const NoDescriptorsLeft&) = delete;

 private:
  rlimit before_{};
  std::vector<FileDescriptor> taken_;
};

}  // namespace

TEST_CASE("of several addresses it listens on the first that this machine has") {
  const Address not_here = Address::resolve("192.0.2.1", 0).front();  // for documentation only: RFC 5737
  const FileDescriptor listener = net::open_listener(std::vector{not_here, any_port()});
  CHECK(Address::of_socket(listener.fd()).to_string().starts_with("127.0.0.1:"));
  CHECK_THROWS_AS(net::open_listener(std::vector{not_here}), net::SystemError);
}

TEST_CASE("a listener listens, blocks, and is not inherited by programs started later") {
  const FileDescriptor listener = net::open_listener(any_port());
  CHECK(option(listener, SOL_SOCKET, SO_ACCEPTCONN) == 1);
  CHECK((fcntl(listener.fd(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK((fcntl(listener.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("the backlog is the longest that the kernel allows") {
  const FileDescriptor listener = net::open_listener(any_port());
  tcp_info info{};
  socklen_t size = sizeof(info);
  REQUIRE(getsockopt(listener.fd(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
  unsigned kernel_limit = 0;
  std::ifstream("/proc/sys/net/core/somaxconn") >> kernel_limit;
  REQUIRE(kernel_limit > 0);
  CHECK(info.tcpi_sacked == std::min<unsigned>(kernel_limit, SOMAXCONN));  // of a listener: its backlog
}

TEST_CASE("a restarted server gets its port back from its own old connections") {
  FileDescriptor listener = net::open_listener(any_port());
  CHECK(option(listener, SOL_SOCKET, SO_REUSEADDR) == 1);
  const Address address = Address::of_socket(listener.fd());
  FileDescriptor client = connect_to(listener);
  accept_from(listener).close();  // the end that closes first stays in TIME-WAIT: here the server's
  REQUIRE(has_ended(client));
  client.close();
  listener.close();
  CHECK_NOTHROW(net::open_listener(address));
}

TEST_CASE("a port that another listener has is an error that names it") {
  const FileDescriptor listener = net::open_listener(any_port());
  const Address address = Address::of_socket(listener.fd());
  try {
    net::open_listener(address);
    FAIL("two listeners on one port");
  } catch (const net::SystemError& error) {
    CHECK(error.error_number() == EADDRINUSE);
    CHECK(std::string(error.what()) == "bind " + address.to_string() + ": Address already in use");
  }
}

TEST_CASE("disable_nagle really sets TCP_NODELAY") {
  const FileDescriptor listener = net::open_listener(any_port());
  const FileDescriptor client = connect_to(listener);
  const FileDescriptor accepted = accept_from(listener);
  CHECK(option(accepted, IPPROTO_TCP, TCP_NODELAY) == 0);
  net::disable_nagle(accepted);
  CHECK(option(accepted, IPPROTO_TCP, TCP_NODELAY) != 0);
}

TEST_CASE("Linux sets TCP_NODELAY on a connection that was reset meanwhile, too") {
  const FileDescriptor listener = net::open_listener(any_port());
  FileDescriptor client = connect_to(listener);
  const FileDescriptor accepted = accept_from(listener);
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  REQUIRE(setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
  client.close();
  REQUIRE(has_ended(accepted));
  net::disable_nagle(accepted);
  CHECK(option(accepted, IPPROTO_TCP, TCP_NODELAY) != 0);
}

TEST_CASE("disable_nagle of what is no socket is an error") {
  const FileDescriptor null{open("/dev/null", O_RDONLY | O_CLOEXEC)};
  CHECK_THROWS_AS(net::disable_nagle(null), net::SystemError);
}

TEST_CASE("out of descriptors, every client that waits is refused, and service recovers") {
  const FileDescriptor listener = net::open_listener(any_port());
  net::set_nonblocking(listener);
  const FileDescriptor first = connect_to(listener);
  const FileDescriptor second = connect_to(listener);
  net::SpareDescriptor spare;
  {
    const NoDescriptorsLeft nothing_left;
    for (const FileDescriptor* client : {&first, &second}) {
      CHECK_FALSE(accept_from(listener));
      REQUIRE(errno == EMFILE);
      CHECK(spare.accept_again(listener.fd(), EMFILE));
      CHECK(has_ended(*client));
    }
    // Linux looks for a descriptor before it looks at the queue.
    CHECK_FALSE(accept_from(listener));
    REQUIRE(errno == EMFILE);
    CHECK_FALSE(spare.accept_again(listener.fd(), EMFILE));
  }
  const FileDescriptor third = connect_to(listener);
  CHECK(accept_from(listener));
}

TEST_CASE("who waits is not refused when a descriptor has become free meanwhile") {
  const FileDescriptor listener = net::open_listener(any_port());
  net::set_nonblocking(listener);
  const FileDescriptor client = connect_to(listener);
  net::SpareDescriptor spare;
  CHECK(spare.accept_again(listener.fd(), EMFILE));
  CHECK(accept_from(listener));
}

TEST_CASE("out of descriptors, a listener that blocks is waited for: accept would say EMFILE at once") {
  const FileDescriptor listener = net::open_listener(any_port());
  const Address server = Address::of_socket(listener.fd());
  const FileDescriptor client{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  net::SpareDescriptor spare;
  std::atomic<pid_t> thread{0};
  std::atomic<bool> go{false};
  bool again = false;
  std::thread acceptor([&] {
    thread = gettid();
    while (!go) std::this_thread::yield();
    again = spare.accept_again(listener.fd(), EMFILE);
  });
  while (thread == 0) std::this_thread::yield();
  const std::string stat = "/proc/self/task/" + std::to_string(thread) + "/stat";
  const FileDescriptor state{open(stat.c_str(), O_RDONLY | O_CLOEXEC)};
  const NoDescriptorsLeft nothing_left;
  go = true;
  while (!is_asleep(state)) std::this_thread::yield();
  REQUIRE(connect(client.fd(), server.data(), server.size()) == 0);
  acceptor.join();
  CHECK(again);
  CHECK(has_ended(client));
}

TEST_CASE("with the spare one gone, too, nobody is refused and nothing spins") {
  const FileDescriptor listener = net::open_listener(any_port());
  net::set_nonblocking(listener);
  const FileDescriptor client = connect_to(listener);
  net::SpareDescriptor spare;
  {
    REQUIRE(spare.give_up());
    CHECK_FALSE(spare.give_up());
    const FileDescriptor taken{open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const NoDescriptorsLeft nothing_left;
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(spare.accept_again(listener.fd(), EMFILE));
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(1));
    CHECK_FALSE(spare.take_back());
  }
  CHECK(spare.take_back());
  CHECK(accept_from(listener));
}

TEST_CASE("a shortage that a descriptor less doesn't end is waited out, a millisecond at a time") {
  const FileDescriptor listener = net::open_listener(any_port());
  net::set_nonblocking(listener);
  for (const int error : {ENFILE, ENOBUFS, ENOMEM}) {
    CAPTURE(error);
    const FileDescriptor client = connect_to(listener);
    net::SpareDescriptor spare;
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(spare.accept_again(listener.fd(), error));
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(1));
    CHECK(accept_from(listener));  // still there: nobody was refused
    CHECK(spare.give_up());        // nor was the spare one
  }
}

TEST_CASE("no spare can be had when there are no descriptors to begin with") {
  int error_number = 0;
  {
    const NoDescriptorsLeft nothing_left;
    try {
      net::SpareDescriptor spare;
    } catch (const net::SystemError& error) {
      error_number = error.error_number();
    }
  }
  CHECK(error_number == EMFILE);
}

TEST_CASE("an error of the one new connection passes, an empty queue waits, a broken listener throws") {
  const FileDescriptor listener = net::open_listener(any_port());
  net::SpareDescriptor spare;
  for (const int error : {EINTR, ECONNABORTED, EPERM, ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET,
                          EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH}) {
    CAPTURE(error);
    CHECK(spare.accept_again(listener.fd(), error));
  }
  CHECK_FALSE(spare.accept_again(listener.fd(), EAGAIN));
  for (const int error : {EBADF, EINVAL, ENOTSOCK, EFAULT}) {
    CAPTURE(error);
    try {
      spare.accept_again(listener.fd(), error);
      FAIL("no exception");
    } catch (const net::SystemError& thrown) {
      CHECK(thrown.error_number() == error);
      CHECK(std::string(thrown.what()).starts_with("accept: "));
    }
  }
}
