#include "common/harness/processes/known_servers.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace harness {

namespace {

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  return cells;
}

}  // namespace

std::string program_folder() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

std::vector<KnownServer> read_known_servers(const std::string& path, std::string_view about_the_program) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line))
    throw std::runtime_error(fmt::format("{}: missing or empty; 'make build' puts it there", path));
  const std::vector<std::string> header = split(line);
  if (!line.starts_with(about_the_program))
    throw std::runtime_error(fmt::format("{}:1: the header begins with '{}'", path, about_the_program));
  const auto first_behaviour =
      static_cast<std::size_t>(1 + std::count(about_the_program.begin(), about_the_program.end(), ','));
  std::vector<KnownServer> servers;
  for (int number = 2; std::getline(file, line); ++number) {
    const std::vector<std::string> cells = split(line);
    if (cells.size() != header.size()) {
      throw std::runtime_error(
          fmt::format("{}:{}: {} cells, the header has {}", path, number, cells.size(), header.size()));
    }
    KnownServer server{.name = cells[0], .lab = cells[1], .needs = cells[2], .expected = {}};
    for (std::size_t i = first_behaviour; i < cells.size(); ++i) {
      if (cells[i] == "n/a") continue;
      if (cells[i] != "yes" && cells[i] != "no") {
        throw std::runtime_error(fmt::format("{}:{}: '{}' for {}: only yes, no and n/a are allowed", path,
                                             number, cells[i], header[i]));
      }
      server.expected[header[i]] = cells[i] == "yes";
    }
    servers.push_back(std::move(server));
  }
  return servers;
}

}  // namespace harness
