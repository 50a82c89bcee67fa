#pragma once

#include <cstdint>

#include "common/net/command_line.h"

namespace net {

/// The options `--work-us` and `--wait-us` of every echo server: what a request costs beside its bytes.
/// `--work-us` computes for that long (CPU time of the thread), `--wait-us` blocks for that long, as on a
/// slow disk. It is done once for each recv that has returned bytes, before the reply goes out.
///
/// So that no server's loop has to change for it, the calls of recv in a lab's program are led here by the
/// linker (`--wrap=recv`, ld(1)). Without these options recv is the kernel's and nothing else.
class RequestWork {
 public:
  /// It must outlive the command line's parse().
  explicit RequestWork(CommandLine& options);

  /// From now on every request of this process costs that. To be called before there are other threads.
  /// Throws SystemError.
  void begin() const;

  /// Does the work of one request, for a server whose bytes don't come by recv.
  static void do_once();

 private:
  std::int64_t work_us_ = 0;
  std::int64_t wait_us_ = 0;
};

}  // namespace net
