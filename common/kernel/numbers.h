#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kernel {

/// The number behind `key` in a file of lines such as `VmRSS:     4096 kB` or `inactive_file 4096`, in the
/// unit of the file; the colon is part of the key. None if there is no such line or file. Source: proc(5).
std::optional<std::int64_t> number_behind(const std::string& key, const std::filesystem::path& path);

/// The numbers that a file such as /proc/sys/fs/file-nr begins with, up to the first word that is none; empty
/// if it can't be read.
std::vector<std::int64_t> numbers_in(const std::filesystem::path& path);

/// The first of them; none if there is no such file, or a word such as `max` stands in it.
std::optional<std::int64_t> number_in(const std::filesystem::path& path);

/// All threads of the machine: the number behind the slash of `0.20 0.18 0.12 1/80 11206` (proc(5), loadavg);
/// 0 if the kernel doesn't say.
std::int64_t threads_of_the_machine();

}  // namespace kernel
