#include "common/net/system_error.h"

#include <doctest/doctest.h>

#include <string>
#include <type_traits>

using net::SystemError;

TEST_CASE("a system error reads as the call and the reason") {
  const SystemError error("bind 127.0.0.1:80", EACCES);
  CHECK(std::string(error.what()) == "bind 127.0.0.1:80: Permission denied");
  CHECK(error.error_number() == EACCES);
}

TEST_CASE("a system error says what the call was about, and keeps errno while the text is put together") {
  const std::string place(1000, 'x');  // too long for a string without memory of its own
  errno = EADDRINUSE;
  const SystemError error("bind", place);
  errno = 0;
  CHECK(std::string(error.what()) == "bind " + place + ": Address already in use");
  CHECK(error.error_number() == EADDRINUSE);
}

TEST_CASE("who leaves errno to a system error can't give it a text that has to be put together first") {
  CHECK(std::is_constructible_v<SystemError, const char*>);
  CHECK(std::is_constructible_v<SystemError, const char*, const std::string&>);
  CHECK_FALSE(std::is_constructible_v<SystemError, std::string>);
  CHECK_FALSE(std::is_constructible_v<SystemError, const char*, std::string>);
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
