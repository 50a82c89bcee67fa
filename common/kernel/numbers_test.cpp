#include "common/kernel/numbers.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

#include "common/testing/temporary_folder.h"

TEST_CASE("numbers of the kernel's files are read, and what isn't there is no number") {
  const testing::TemporaryFolder folder;
  const std::filesystem::path path = folder / "file";
  std::ofstream(path) << "VmRSS:\t    4096 kB\nVmRSSLimit: 1\ninactive_file 77\nName: 9 lives\nState: S\n";
  CHECK(kernel::number_behind("VmRSS:", path) == 4096);
  CHECK(kernel::number_behind("inactive_file", path) == 77);
  CHECK(kernel::number_behind("Name:", path) == 9);
  CHECK_FALSE(kernel::number_behind("State:", path));
  CHECK_FALSE(kernel::number_behind("VmRSSLimi", path));
  CHECK_FALSE(kernel::number_behind("Rss:", folder / "nothing"));

  std::ofstream(path) << "12 0 -3 max 5\n";
  CHECK(kernel::number_in(path) == 12);
  CHECK(kernel::numbers_in(path) == std::vector<std::int64_t>{12, 0, -3});
  std::ofstream(path) << "max\n";
  CHECK_FALSE(kernel::number_in(path));
  CHECK(kernel::numbers_in(folder / "nothing").empty());
}

TEST_CASE("the kernel tells of this process and of the machine") {
  CHECK(kernel::number_behind("Tgid:", "/proc/self/status") == getpid());
  CHECK(kernel::threads_of_the_machine() > 0);
}
