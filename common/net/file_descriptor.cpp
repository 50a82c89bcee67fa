#include "common/net/file_descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "common/net/system_error.h"

namespace net {

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void FileDescriptor::close() noexcept {
  if (fd_ < 0) return;
  const int error_before = errno;
  // The result is of no use: Linux frees the number even when close fails, so trying again could close a
  // descriptor that another thread has just opened (close(2), "Dealing with error returns from close()").
  ::close(std::exchange(fd_, -1));
  errno = error_before;
}

void set_nonblocking(const FileDescriptor& descriptor, bool nonblocking) {
  const int flags = fcntl(descriptor.fd(), F_GETFL);
  if (flags < 0) throw SystemError("fcntl F_GETFL");
  const int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (wanted != flags && fcntl(descriptor.fd(), F_SETFL, wanted) < 0) throw SystemError("fcntl F_SETFL");
}

}  // namespace net
