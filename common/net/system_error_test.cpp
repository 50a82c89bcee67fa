#include "common/net/system_error.h"

#include <doctest/doctest.h>

#include <string>

using net::SystemError;

TEST_CASE("a system error reads as the call and the reason") {
  const SystemError error("bind 127.0.0.1:80", EACCES);
  CHECK(std::string(error.what()) == "bind 127.0.0.1:80: Permission denied");
  CHECK(error.error_number() == EACCES);
}

TEST_CASE("a system error takes errno when it is given no number") {
  errno = ENOENT;
  const SystemError error("open");
  CHECK(error.error_number() == ENOENT);
  CHECK(std::string(error.what()) == "open: No such file or directory");
}

TEST_CASE("a system error keeps its number whatever becomes of errno") {
  errno = EPIPE;
  const SystemError error("send");
  errno = EIO;
  CHECK(error.error_number() == EPIPE);
}

TEST_CASE("only nothing-to-do and an interruption mean try again") {
  CHECK(net::is_try_again(EAGAIN));
  CHECK(net::is_try_again(EWOULDBLOCK));
  CHECK(net::is_try_again(EINTR));
  for (const int error : {0, EBADF, ECONNRESET, EPIPE, EINPROGRESS, ETIMEDOUT, ENOBUFS}) {
    CAPTURE(error);
    CHECK_FALSE(net::is_try_again(error));
  }
}
