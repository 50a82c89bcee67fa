#include "common/harness/processes/availability.h"

#include <fmt/format.h>
#include <unistd.h>

namespace harness {

namespace {

// Empty if it runs. Only a server that needs a library may be missing; then the Makefile has left it out.
std::string why_it_cannot_run(const Target& target, const Interruption& interruption) {
  if (!target.known || target.known->needs.empty()) return "";
  if (access(target.command.front().c_str(), F_OK) != 0)
    return fmt::format("not built: {0} was not found (Debian: {0}-dev)", target.known->needs);
  try {
    const RunningTarget attempt(target, interruption);
  } catch (const CannotRunHere& reason) {
    const std::string words = reason.what();
    return words.starts_with(target.name + ": ") ? words.substr(target.name.size() + 2) : words;
  }
  return "";
}

}  // namespace

Selection leave_out_what_cannot_run(const std::vector<Target>& targets, const Interruption& interruption) {
  Selection selection;
  for (const Target& target : targets) {
    const std::string reason = why_it_cannot_run(target, interruption);
    if (reason.empty()) {
      selection.targets.push_back(target);
    } else {
      selection.left_out.push_back(fmt::format("{}: {}", target.name, reason));
    }
  }
  return selection;
}

}  // namespace harness
