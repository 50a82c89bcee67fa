#include "common/net/file_descriptor.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <type_traits>

#include "common/net/system_error.h"

using net::FileDescriptor;

namespace {

FileDescriptor open_null() { return FileDescriptor{open("/dev/null", O_RDWR | O_CLOEXEC)}; }

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

static_assert(!std::is_copy_constructible_v<FileDescriptor> && !std::is_copy_assignable_v<FileDescriptor>);
static_assert(std::is_nothrow_move_constructible_v<FileDescriptor>);

}  // namespace

TEST_CASE("a descriptor is closed when its owner goes out of scope") {
  int fd = -1;
  {
    const FileDescriptor owner = open_null();
    REQUIRE(owner);
    fd = owner.fd();
    CHECK(is_open(fd));
  }
  CHECK_FALSE(is_open(fd));
}

TEST_CASE("the result of a failed call is no descriptor") {
  FileDescriptor none{open("/there/is/no/such/file", O_RDONLY)};
  CHECK_FALSE(none);
  CHECK(none.fd() == -1);
  none.close();
  CHECK_FALSE(none);
  CHECK_FALSE(FileDescriptor());
}

TEST_CASE("moving hands the descriptor over, without closing it") {
  FileDescriptor first = open_null();
  const int fd = first.fd();
  const FileDescriptor second = std::move(first);
  CHECK(second.fd() == fd);
  CHECK(is_open(fd));
  CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): what is left behind is what is tested
}

TEST_CASE("assigning closes the descriptor that was owned before") {
  FileDescriptor first = open_null();
  FileDescriptor second = open_null();
  const int first_fd = first.fd();
  const int second_fd = second.fd();
  first = std::move(second);
  CHECK(first.fd() == second_fd);
  CHECK(is_open(second_fd));
  CHECK_FALSE(is_open(first_fd));
  CHECK_FALSE(second);  // NOLINT(bugprone-use-after-move)
}

TEST_CASE("assigning a descriptor to itself keeps it open") {
  FileDescriptor owner = open_null();
  const int fd = owner.fd();
  FileDescriptor& same = owner;
  owner = std::move(same);
  CHECK(owner.fd() == fd);
  CHECK(is_open(fd));
}

TEST_CASE("closing twice closes once") {
  FileDescriptor owner = open_null();
  const int fd = owner.fd();
  owner.close();
  const FileDescriptor other = open_null();  // takes the number that has become free
  REQUIRE(other.fd() == fd);
  owner.close();
  CHECK(is_open(fd));
}

TEST_CASE("closing keeps the errno of the error that is being handled") {
  FileDescriptor good = open_null();
  errno = ECONNRESET;
  good.close();
  CHECK(errno == ECONNRESET);

  FileDescriptor bad{1 << 30};  // no such descriptor: close fails with EBADF
  errno = ECONNRESET;
  bad.close();
  CHECK(errno == ECONNRESET);
}

TEST_CASE("non-blocking mode is set and cleared without touching the other flags") {
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  const FileDescriptor read_end{ends[0]};
  const FileDescriptor write_end{ends[1]};
  REQUIRE(fcntl(read_end.fd(), F_SETFL, O_NOATIME) == 0);

  net::set_nonblocking(read_end);
  CHECK((fcntl(read_end.fd(), F_GETFL) & (O_NONBLOCK | O_NOATIME)) == (O_NONBLOCK | O_NOATIME));
  CHECK((fcntl(write_end.fd(), F_GETFL) & O_NONBLOCK) == 0);
  char byte = 0;
  CHECK(read(read_end.fd(), &byte, 1) == -1);
  CHECK(errno == EAGAIN);

  net::set_nonblocking(read_end, false);
  CHECK((fcntl(read_end.fd(), F_GETFL) & (O_NONBLOCK | O_NOATIME)) == O_NOATIME);
}

TEST_CASE("non-blocking mode of a closed descriptor is an error") {
  try {
    net::set_nonblocking(FileDescriptor());
    FAIL("no exception");
  } catch (const net::SystemError& error) {
    CHECK(error.error_number() == EBADF);
    CHECK(std::string(error.what()).starts_with("fcntl F_GETFL: "));
  }
}
