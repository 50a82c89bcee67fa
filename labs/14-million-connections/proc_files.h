// What the kernel tells in /proc, as numbers.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace million {

/// The numbers in a file such as /proc/sys/fs/file-nr, up to the first word that is none; empty if it can't
/// be read.
inline std::vector<std::int64_t> numbers_in(const std::string& path) {
  std::ifstream file(path);
  return {std::istream_iterator<std::int64_t>(file), {}};
}

/// The first number in the file, if it has one.
inline std::optional<std::int64_t> number_in(const std::string& path) {
  const std::vector<std::int64_t> numbers = numbers_in(path);
  return numbers.empty() ? std::nullopt : std::optional(numbers.front());
}

/// The number behind `name` in a file of lines such as "MemAvailable:   23613740 kB" or "inactive_file 4096".
inline std::optional<std::int64_t> number_behind(const std::string& name, const std::string& path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    std::int64_t number = 0;
    if (words >> word >> number && word == name) return number;
  }
  return std::nullopt;
}

}  // namespace million
