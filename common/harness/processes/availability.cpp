#include "common/harness/processes/availability.h"

#include <fmt/format.h>
#include <unistd.h>

#include <map>

namespace harness {

namespace {

// Servers that not every machine can build and run, and what is missing when there is no program (see the
// Makefile).
const std::map<std::string, std::string>& optional_servers() {
  static const std::map<std::string, std::string> servers{
      {"io-uring", "liburing was not found (Debian: liburing-dev)"}};
  return servers;
}

// Empty if it runs.
std::string why_it_cannot_run(const Target& target, const Interruption& interruption) {
  const auto optional = optional_servers().find(target.name);
  if (!target.known || optional == optional_servers().end()) return "";
  if (access(target.command.front().c_str(), F_OK) != 0) return "not built: " + optional->second;
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
