#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>

namespace net {

/// A system call failed. what() reads "bind 127.0.0.1:80: Permission denied": the call, the arguments that
/// matter and the reason.
class SystemError : public std::runtime_error {
 public:
  explicit SystemError(const std::string& call, int error_number = errno);
  int error_number() const { return error_number_; }

 private:
  int error_number_;
};

/// True when a non-blocking call had nothing to do, or a signal interrupted it: not an error, wait and call
/// again. POSIX lets EAGAIN and EWOULDBLOCK differ; on Linux they are one number.
inline bool is_try_again(int error_number) { return error_number == EAGAIN || error_number == EINTR; }

}  // namespace net
