#include "common/kernel/numbers.h"

#include <fstream>
#include <iterator>
#include <sstream>

namespace kernel {

// A process that ends while its file is read makes the read fail. getline and the stream's own conversions
// take that for the end of the file, where an istreambuf_iterator would throw.

std::optional<std::int64_t> number_behind(const std::string& key, const std::filesystem::path& path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    std::istringstream words(line);
    std::string word;
    std::int64_t number = 0;
    if (words >> word >> number && word == key) return number;
  }
  return std::nullopt;
}

std::vector<std::int64_t> numbers_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istream_iterator<std::int64_t>(file), {}};
}

std::optional<std::int64_t> number_in(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::int64_t number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

std::int64_t threads_of_the_machine() {
  std::ifstream file("/proc/loadavg");
  std::string line;
  std::getline(file, line);
  const std::size_t slash = line.find('/');
  return slash == std::string::npos ? 0 : std::stoll(line.substr(slash + 1));
}

}  // namespace kernel
