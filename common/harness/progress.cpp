#include "common/harness/progress.h"

#include <fmt/format.h>

#include <utility>

namespace harness {

Progress::Progress(std::string title, std::size_t steps) : title_(std::move(title)), steps_(steps) {}

void Progress::finish() { bar_.leave(); }

void Progress::note(const std::string& what) { bar_.say(what); }

void Progress::step(const std::string& what) {
  ++begun_;
  if (!bar_.moves()) {
    bar_.say(fmt::format("{} {}/{}: {}", title_, begun_, steps_, what));
    return;
  }
  const double share = steps_ == 0 ? 1 : static_cast<double>(begun_ - 1) / static_cast<double>(steps_);
  bar_.draw(share, fmt::format("{} {}/{} {:.36}", title_, begun_, steps_, what));
}

}  // namespace harness
