#pragma once

#include <string>
#include <vector>

#include "common/harness/processes/server_process.h"

namespace testing {

/// The words of something like a server: it announces a port that nobody serves, after what `before` says.
std::vector<std::string> announcer(const std::string& before, const std::string& after = "exec sleep 60");

/// The words of a server in Python, which finds the argument in sys.argv[1] and os, socket, sys and time
/// imported.
std::vector<std::string> python_server(const std::string& script, const std::string& argument = "");

/// What starting it ends with; "none" if it starts.
std::string complaint_about(const harness::ServerCommand& command);

}  // namespace testing
