#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

/// The number behind `key` in a file of lines like `VmRSS:     4096 kB`, in the unit of the file; none if it
/// is not there. Source: proc(5).
inline std::optional<std::int64_t> number_behind(const std::string& key, const std::filesystem::path& path) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    if (std::int64_t number = 0; word == key && file >> number) return number;
    file.clear();
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::nullopt;
}

/// The number that a file begins with; none if there is no such file, or a word such as `max` stands in it.
inline std::optional<std::int64_t> number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::int64_t number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}
