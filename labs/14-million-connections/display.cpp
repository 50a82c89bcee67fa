#include "labs/14-million-connections/display.h"

#include <fmt/format.h>

#include <cstdio>

#include "common/net/server.h"
#include "common/net/system_error.h"

namespace million {

void report(const std::string& what, const std::string& text) {
  fmt::print("{:<15}{}\n", what + ":", text);
  if (std::fflush(stdout) != 0) throw net::SystemError("write to stdout");
}

void Progress::show(const std::string& doing, std::int64_t done, std::int64_t of, const std::string& remark) {
  using namespace std::chrono_literals;
  const auto now = std::chrono::steady_clock::now();
  const bool other_work = doing != doing_;
  if (now < next_ && !other_work) return;
  next_ = now + (bar_.moves() ? 50ms : 1000ms);
  doing_ = doing;
  const std::string text =
      fmt::format("{} {} of {}{}{}", doing, grouped(done), grouped(of), remark.empty() ? "" : ", ", remark);
  if (!bar_.moves()) {
    net::say("million", text);
    return;
  }
  bar_.draw(static_cast<double>(done) / static_cast<double>(of), text);
}

}  // namespace million
