#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/net/command_line.h"
#include "common/net/file_descriptor.h"
#include "common/net/server.h"

namespace harness {

/// The servers of one program by the name of their fault: what runs each with its listener. "none" is the
/// right one, which keeps the server contract; every other one is a class that changes a step of it.
using FaultyServers = std::map<std::string, std::function<void(net::FileDescriptor)>>;

template <typename Server>
void serve_as(net::FileDescriptor listener) {
  Server(std::move(listener)).run();
}

/// main() of a program with faulty servers: `--fault NAME` beside the options that every server has.
inline int run_faulty_server(int argc, char** argv, const std::string& description,
                             const FaultyServers& servers) {
  std::string fault = "none";
  std::vector<std::string> names;
  for (const auto& [name, serve] : servers) names.push_back(name);
  return net::run_server(
      argc, argv, description, [&](net::FileDescriptor listener) { servers.at(fault)(std::move(listener)); },
      [&](net::CommandLine& options) { options.text("--fault", fault, "what is wrong with it", names); });
}

}  // namespace harness
