#include "common/net/listener.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>
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

TEST_CASE("disable_nagle lets a connection pass that was reset meanwhile") {
  const FileDescriptor listener = net::open_listener(any_port());
  FileDescriptor client = connect_to(listener);
  const FileDescriptor accepted = accept_from(listener);
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  REQUIRE(setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
  client.close();
  REQUIRE(has_ended(accepted));
  CHECK_NOTHROW(net::disable_nagle(accepted));
}

TEST_CASE("disable_nagle of what is no socket is an error") {
  const FileDescriptor null{open("/dev/null", O_RDONLY | O_CLOEXEC)};
  CHECK_THROWS_AS(net::disable_nagle(null), net::SystemError);
}

TEST_CASE("out of descriptors, the spare one refuses every client that waits, and service recovers") {
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
      REQUIRE(spare.accept_again(EMFILE));
      FileDescriptor refused = accept_from(listener);
      REQUIRE(refused);
      CHECK_FALSE(spare.take_back());  // it took the spare's place
      refused.close();
      CHECK(spare.take_back());
      CHECK(has_ended(*client));
    }
    // Linux looks for a descriptor before it looks at the queue.
    CHECK_FALSE(accept_from(listener));
    CHECK(errno == EMFILE);
    CHECK(spare.accept_again(EMFILE));
    CHECK_FALSE(accept_from(listener));
    REQUIRE(errno == EAGAIN);
    CHECK_FALSE(spare.accept_again(EAGAIN));  // takes the spare back, too
    CHECK(spare.accept_again(EMFILE));
  }
  CHECK(spare.take_back());
  const FileDescriptor third = connect_to(listener);
  const FileDescriptor accepted = accept_from(listener);
  CHECK(accepted);
  CHECK(spare.take_back());
}

TEST_CASE("a spare that is given up already is not worth another try") {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    CAPTURE(error);
    net::SpareDescriptor spare;
    CHECK(spare.accept_again(error));
    CHECK_FALSE(spare.accept_again(error));
    CHECK(spare.take_back());
    CHECK(spare.accept_again(error));
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
  net::SpareDescriptor spare;
  for (const int error : {EINTR, ECONNABORTED, EPERM, ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET,
                          EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH}) {
    CAPTURE(error);
    CHECK(spare.accept_again(error));
  }
  CHECK_FALSE(spare.accept_again(EAGAIN));
  for (const int error : {EBADF, EINVAL, ENOTSOCK, EFAULT}) {
    CAPTURE(error);
    try {
      spare.accept_again(error);
      FAIL("no exception");
    } catch (const net::SystemError& thrown) {
      CHECK(thrown.error_number() == error);
      CHECK(std::string(thrown.what()).starts_with("accept: "));
    }
  }
}
