#include "common/harness/processes/memory_file.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>

#include "common/net/system_error.h"

namespace harness {

MemoryFile::MemoryFile(const char* name) : file_{memfd_create(name, MFD_CLOEXEC)} {
  if (!file_) throw net::SystemError("memfd_create");
}

std::string MemoryFile::path() const { return fmt::format("/proc/{}/fd/{}", getpid(), file_.fd()); }

std::string MemoryFile::contents(off_t from) const {
  std::string text;
  std::array<char, 16384> part;
  for (;;) {
    const ssize_t size = pread(file_.fd(), part.data(), part.size(), from + static_cast<off_t>(text.size()));
    if (size < 0) throw net::SystemError("pread");
    if (size == 0) return text;
    text.append(part.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace harness
