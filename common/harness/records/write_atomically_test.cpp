#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "common/harness/records/records.h"

#include "common/testing/temporary_folder.h"

namespace fs = std::filesystem;
using harness::Records;
using harness::write_atomically;
using testing::TemporaryFolder;

namespace {

// No file of this process grows beyond `bytes` while this lives; to try is an error instead of a signal.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit lowered{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &lowered);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  sighandler_t handler_;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What the action throws, as text; empty if nothing.
template <typename Action>
std::string complaint_of(const Action& action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

// A text far longer than what a FileSizeLimit lets through.
std::string long_text() {
  std::string text(100'000, 'n');
  return text;
}

}  // namespace

TEST_CASE("a file is replaced as a whole, and nothing is left beside it") {
  const TemporaryFolder folder;
  const std::string big(300'000, 'b');
  for (const std::string& contents : {std::string("old"), big, std::string()}) {
    write_atomically(folder / "file", contents);
    CHECK(read_file(folder / "file") == contents);
  }
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a write that is refused half-way leaves the old file, and nothing beside it") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", std::string("old"));
  const std::string complaint = complaint_of([&] {
    const FileSizeLimit limit(4096);
    write_atomically(folder / "file", long_text());
  });
  CHECK(complaint == "can't write " + (folder / "file") + ": File too large");
  CHECK(read_file(folder / "file") == "old");
  CHECK_FALSE(fs::exists(folder / "file.new"));
}

TEST_CASE("a full disk is named and leaves the old file") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", std::string("old"));
  fs::create_symlink("/dev/full", folder / "file.new");  // where the new contents are written first
  CHECK(complaint_of([&] { write_atomically(folder / "file", std::string("new")); }) ==
        "can't write " + (folder / "file") + ": No space left on device");
  CHECK(read_file(folder / "file") == "old");
  CHECK_FALSE(fs::exists(fs::symlink_status(folder / "file.new")));
}

TEST_CASE(
    "a process that is killed in the middle of a write leaves the old file, and the next write succeeds") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", std::string("old"));
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const FileSizeLimit limit(4096);
    signal(SIGXFSZ, SIG_DFL);  // the kernel kills it where the limit is
    const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
    setrlimit(RLIMIT_CORE, &no_core);
    try {
      write_atomically(folder / "file", long_text());
    } catch (...) {
    }
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(read_file(folder / "file") == "old");
  CHECK(fs::exists(folder / "file.new"));
  write_atomically(folder / "file", std::string("new"));
  CHECK(read_file(folder / "file") == "new");
  CHECK_FALSE(fs::exists(folder / "file.new"));
}

TEST_CASE("runs that are recorded survive a row that can't be written") {
  const TemporaryFolder results;
  Records records = Records::start(results.path(), "test", "{}");
  harness::Run run;
  run.server = "first";
  records.add(run);
  const std::string before = read_file(results / "test/runs.csv");
  run.server = long_text();
  const std::string complaint = complaint_of([&] {
    const FileSizeLimit limit(4096);
    records.add(run);
  });
  CHECK(complaint == "can't write " + (results / "test/runs.csv") + ": File too large");
  CHECK(read_file(results / "test/runs.csv") == before);
}

TEST_CASE("a folder that can't be made or written is named with the reason") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", std::string("not a folder"));
  CHECK(complaint_of([&] {
          Records::start(folder / "file", "test", "{}");
        }).starts_with("can't make the folder " + (folder / "file")));
  // Nobody can make files here, root included.
  CHECK(complaint_of([&] {
          Records::start("/proc/results", "test", "{}");
        }).starts_with("can't make the folder /proc/results: "));
  CHECK(complaint_of([&] {
          write_atomically("/proc/file", std::string("x"));
        }).starts_with("can't write /proc/file: "));
  CHECK(complaint_of([&] { write_atomically(folder / "missing/file", std::string("x")); }) ==
        "can't write " + (folder / "missing/file") + ": No such file or directory");
  if (geteuid() != 0) {
    fs::create_directory(folder / "closed");
    fs::permissions(folder / "closed", fs::perms::owner_read | fs::perms::owner_exec);
    CHECK(complaint_of([&] { write_atomically(folder / "closed/file", std::string("x")); }) ==
          "can't write " + (folder / "closed/file") + ": Permission denied");
  }
}

TEST_CASE("a folder in the place of the file is an error, and stays") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "file");
  CHECK(complaint_of([&] { write_atomically(folder / "file", std::string("x")); }) ==
        "can't write " + (folder / "file") + ": Is a directory");
  CHECK(fs::is_directory(folder / "file"));
  CHECK_FALSE(fs::exists(folder / "file.new"));
}
