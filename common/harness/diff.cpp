#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/harness/commands.h"
#include "common/net/complaint.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace harness {

namespace {

// The user's own folder stays the current one: the folders of results are named from there. A `plots` that
// lies there isn't ours.
constexpr const char* program =
    "import sys\n"
    "sys.path.insert(0, sys.argv.pop(1))\n"
    "from plots.diff import run\n"
    "sys.exit(run(sys.argv[1:]))\n";

}  // namespace

void diff_command(const std::vector<std::string>& folders) {
  if (folders.size() != 2) throw BadUse("diff takes two folders of results: FIRST SECOND");
  std::vector<std::string> words{"python3", "-c", program,
                                 read_build(program_folder() + "/build.json").source, "--"};
  words.insert(words.end(), folders.begin(), folders.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execvp("python3", arguments.data());
  if (errno != ENOENT) throw net::SystemError("exec python3");
  net::say("harness", "diff needs Python 3: 'make deps' installs it");
  std::exit(net::cannot_run_here);
}

}  // namespace harness
