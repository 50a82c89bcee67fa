#include "common/harness/processes/strace.h"

#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace harness {

void require_strace() {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/strace").c_str(), X_OK) == 0) return;
  }
  throw NotCounted("strace was not found (Debian: strace)");
}

std::vector<std::string> under_strace(const std::vector<std::string>& words, const MemoryFile& file,
                                      const std::string& more) {
  std::vector<std::string> command{"strace", "-D", "-f", "-qq"};
  if (!more.empty()) command.push_back(more);
  command.insert(command.end(), {"-o", file.path()});
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

}  // namespace harness
