#include "common/harness/processes/target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

RunningTarget::RunningTarget(const Target& target, const Interruption& interruption, std::optional<int> core,
                             std::optional<rlim_t> descriptor_limit)
    : elsewhere_(target.running_at) {
  if (!elsewhere_) {
    process_.emplace(ServerCommand{.words = target.command,
                                   .core = core,
                                   .descriptor_limit = descriptor_limit,
                                   .interruption = &interruption});
  }
}

}  // namespace harness
