#pragma once

#include <cstdint>

#include "common/net/command_line.h"

namespace net {

/// The options `--work-us` and `--wait-us` of every echo server: what a request costs beside its bytes.
/// `--work-us` computes for that long (CPU time of the thread), `--wait-us` blocks for that long, as on a
/// slow disk. request_work() does it.
class RequestWork {
 public:
  /// It must outlive the command line's parse().
  explicit RequestWork(CommandLine& options);

  /// From now on every request of this process costs that. To be called before there are other threads.
  /// Throws SystemError.
  void begin() const;

 private:
  std::int64_t work_us_ = 0;
  std::int64_t wait_us_ = 0;
};

/// What one request costs beside its bytes. A server calls it once for each recv that has returned bytes,
/// before the reply goes out. Without the options it is a comparison or two.
void request_work();

}  // namespace net
