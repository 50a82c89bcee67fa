#include <fmt/format.h>
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
    "import sys, importlib\n"
    "sys.path.insert(0, sys.argv.pop(1))\n"
    "module = importlib.import_module('plots.' + sys.argv.pop(1))\n"
    "sys.exit(importlib.import_module('plots.as_program').run(module.main))\n";

// Runs plots/COMMAND.py in place of this process, with these words.
[[noreturn]] void run_in_python(const std::string& command, const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"python3", "-c", program,
                                 read_build(program_folder() + "/build.json").source, command};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execvp("python3", pointers.data());
  if (errno != ENOENT) throw net::SystemError("exec python3");
  net::say("harness", fmt::format("{} needs Python 3: 'make deps' installs it", command));
  std::exit(net::cannot_run_here);
}

}  // namespace

void diff_command(const std::vector<std::string>& folders) {
  if (folders.size() != 2) throw BadUse("diff takes two folders of results: FIRST SECOND");
  run_in_python("diff", {"--", folders[0], folders[1]});
}

void export_command(const ExportOptions& options, const std::vector<std::string>& folders) {
  if (options.hdr.empty() && options.csv.empty())
    throw BadUse("export takes --hdr FILE, --csv FILE, or both");
  if (folders.size() > 1) throw BadUse("export takes one folder: that of an experiment");
  std::vector<std::string> words;
  if (!options.hdr.empty()) words.push_back("--hdr=" + options.hdr);
  if (!options.csv.empty()) words.push_back("--csv=" + options.csv);
  words.insert(words.end(), {"--", folders.empty() ? "results/load" : folders[0]});
  run_in_python("export", words);
}

}  // namespace harness
