#include "common/testing/made_up_servers.h"

#include "common/testing/processes.h"

namespace testing {

std::vector<std::string> announcer(const std::string& before, const std::string& after) {
  return {"sh", "-c", before + "; echo listening on 127.0.0.1:9; " + after};
}

std::vector<std::string> python_server(const std::string& script, const std::string& argument) {
  return {"/usr/bin/env", "python3", "-c", "import os, socket, sys, time\n" + script, argument};
}

std::string complaint_about(const harness::ServerCommand& command) {
  try {
    const ServerProcess server(command);
  } catch (const harness::ServerError& error) {
    return error.what();
  }
  return "none";
}

}  // namespace testing
