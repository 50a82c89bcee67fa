#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>

namespace net {

/// A system call failed. what() reads "bind 127.0.0.1:80: Permission denied": the call, the arguments that
/// matter and the reason. Between the call and the look at errno nothing may stand that can change it, and
/// putting a text together can: it allocates. So those who leave errno to this class give it text that is
/// there already; the compiler refuses any other.
class SystemError : public std::runtime_error {
 public:
  /// The call that has just failed; errno says why.
  explicit SystemError(const char* call);

  /// The same with what it was about: "bind", and a string that reads 127.0.0.1:80.
  SystemError(const char* call, const std::string& about);
  SystemError(const char* call, std::string&& about) = delete;

  /// A call that gave its error in another way than errno, or whose errno was kept right after it.
  SystemError(const std::string& call, int error_number);

  int error_number() const { return error_number_; }

 private:
  // The number comes first: it has been read when the text is put together.
  SystemError(int error_number, std::string_view call, std::string_view space = {},
              std::string_view about = {});

  int error_number_;
};

/// True when a non-blocking call had nothing to do, or a signal interrupted it: not an error, wait and call
/// again. POSIX lets EAGAIN and EWOULDBLOCK differ; on Linux they are one number.
inline bool is_try_again(int error_number) { return error_number == EAGAIN || error_number == EINTR; }

}  // namespace net
