#include "labs/05-thread-per-connection/stack_option.h"

#include <pthread.h>
#include <unistd.h>

#include <climits>

#include "common/net/system_error.h"

namespace {

constexpr std::int64_t largest = std::int64_t{1} << 30;

// These calls return their error number and leave errno alone.
void check(const char* call, int error_number) {
  if (error_number != 0) throw net::SystemError(call, error_number);
}

// A copy of the attributes that a new thread gets.
class Attributes {
 public:
  Attributes() { check("pthread_getattr_default_np", pthread_getattr_default_np(&attributes_)); }
  ~Attributes() { pthread_attr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  std::int64_t stack_bytes() const {
    std::size_t size = 0;
    check("pthread_attr_getstacksize", pthread_attr_getstacksize(&attributes_, &size));
    return static_cast<std::int64_t>(size);
  }
  void set_stack_bytes(std::int64_t bytes) {
    const auto size = static_cast<std::size_t>(bytes);
    check("pthread_attr_setstacksize", pthread_attr_setstacksize(&attributes_, size));
  }
  void become_default() const {
    check("pthread_setattr_default_np", pthread_setattr_default_np(&attributes_));
  }

 private:
  pthread_attr_t attributes_{};
};

}  // namespace

StackOption::StackOption(net::CommandLine& options) : bytes_(Attributes().stack_bytes()) {
  options.number("--stack", bytes_, PTHREAD_STACK_MIN, largest, "bytes of stack for each thread");
}

std::int64_t StackOption::bytes() const {
  const std::int64_t page = sysconf(_SC_PAGESIZE);
  return (bytes_ + page - 1) / page * page;
}

void StackOption::apply() const {
  Attributes attributes;
  attributes.set_stack_bytes(bytes());
  attributes.become_default();
}
