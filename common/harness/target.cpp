#include "common/harness/target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <stdexcept>

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
  return {.name = fmt::format("{}", fmt::join(name, " ")),
          .command = words,
          .running_at = std::nullopt,
          .known = std::nullopt};
}

Target Target::at(const std::string& host_and_port) {
  const auto colon = host_and_port.rfind(':');
  const std::string digits = colon == std::string::npos ? "" : host_and_port.substr(colon + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0 || port > 65535 ||
      colon == 0) {
    throw std::invalid_argument(
        fmt::format("--connect takes HOST:PORT with a port from 1 to 65535, not '{}'", host_and_port));
  }
  std::string host = host_and_port.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return {.name = host_and_port,
          .command = {},
          .running_at = net::Address::resolve(host, static_cast<std::uint16_t>(port)),
          .known = std::nullopt};
}

RunningTarget::RunningTarget(const Target& target, std::optional<int> core,
                             std::optional<rlim_t> descriptor_limit)
    : elsewhere_(target.running_at) {
  if (!elsewhere_) {
    process_.emplace(
        ServerCommand{.words = target.command, .core = core, .descriptor_limit = descriptor_limit});
  }
}

}  // namespace harness
