#include "common/harness/processes/target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/net/connection.h"

namespace harness {

Target Target::of(const KnownServer& server) {
  return {.name = server.name,
          .command = {program_folder() + "/" + server.name, "--port", "0"},
          .running_at = std::nullopt,
          .known = server};
}

Target Target::foreign(const std::vector<std::string>& words) {
  if (words.empty()) throw ServerError("after -- comes the command that starts the server");
  std::vector<std::string> name;
  for (const std::string& word : words) {
    if (word.find("{port}") == std::string::npos) name.push_back(word.substr(word.rfind('/') + 1));
  }
  return {.name = on_one_line(fmt::format("{}", fmt::join(name, " ")), 60),
          .command = words,
          .running_at = std::nullopt,
          .known = std::nullopt};
}

Target Target::at(const std::string& host_and_port) {
  return {.name = host_and_port,
          .command = {},
          .running_at = net::find_reachable(net::Address::parse(host_and_port)),
          .known = std::nullopt};
}

bool Target::takes_a_port() const {
  return known || std::any_of(command.begin(), command.end(), [](const std::string& word) {
           return word.find("{port}") != std::string::npos;
         });
}

RunningTarget::RunningTarget(const Target& target, const Interruption& interruption,
                             const StartOptions& options)
    : elsewhere_(target.running_at) {
  if (!elsewhere_) {
    std::vector<std::string> words = target.command;
    if (options.port && target.known)
      words.back() = std::to_string(*options.port);  // behind --port, see Target::of
    process_.emplace(ServerCommand{.words = words,
                                   .core = options.core,
                                   .descriptor_limit = options.descriptor_limit,
                                   .port = options.port,
                                   .interruption = &interruption});
  }
}

}  // namespace harness
