#include "common/harness/progress.h"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

namespace harness {

namespace {

// Progress is said to whoever listens: that nobody does (a full disk, a closed pipe) ends no measurement.
void tell(const std::string& text) {
  static_cast<void>(std::fputs(text.c_str(), stderr));
  static_cast<void>(std::fflush(stderr));
}

}  // namespace

Progress::Progress(std::string title, std::size_t steps) : title_(std::move(title)), steps_(steps) {}

void Progress::finish() { bar_.leave(); }

void Progress::note(const std::string& what) {
  bar_.clear();
  tell(what + "\n");
}

void Progress::step(const std::string& what) {
  ++begun_;
  if (!bar_.moves()) {
    tell(fmt::format("{} {}/{}: {}\n", title_, begun_, steps_, what));
    return;
  }
  const double share = steps_ == 0 ? 1 : static_cast<double>(begun_ - 1) / static_cast<double>(steps_);
  bar_.draw(share, fmt::format("{} {}/{} {:.36}", title_, begun_, steps_, what));
}

}  // namespace harness
