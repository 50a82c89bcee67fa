// What the calls of recv in a lab's program lead to. Apart from request_work.cpp, so that only a program that
// is linked with --wrap=recv holds it.

#include <sys/socket.h>

#include "common/net/request_work.h"

// The linker gives these two names their meaning: calls of recv go to the first, the second is the C
// library's.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" ssize_t __real_recv(int socket, void* buffer, size_t size, int flags);
extern "C" ssize_t __wrap_recv(int socket, void* buffer, size_t size, int flags) {
  const ssize_t received = __real_recv(socket, buffer, size, flags);
  if (received > 0) net::RequestWork::do_once();
  return received;
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
