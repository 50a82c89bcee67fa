#pragma once

#include <utility>

namespace net {

/// Owns one open file descriptor and closes it when it goes out of scope. Move-only: a descriptor has one
/// owner. A value below zero means "none", so the result of a system call can be wrapped first and tested
/// afterwards.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { close(); }

  /// The descriptor itself, a small number, for a system call; ownership stays here. -1 when there is none.
  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  /// Closes it now; does nothing when there is none. The number may belong to a new descriptor right
  /// afterwards. errno is kept as it was, so that closing while an error is being handled doesn't hide that
  /// error.
  void close() noexcept;

 private:
  int fd_ = -1;
};

/// Sets or clears O_NONBLOCK. It belongs to the open file description: whoever shares the socket sees the
/// change. Throws SystemError. Source: fcntl(2).
void set_nonblocking(const FileDescriptor& descriptor, bool nonblocking = true);

}  // namespace net
