#include "common/harness/processes/known_servers.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace fs = std::filesystem;
using harness::KnownServer;
using harness::read_known_servers;

namespace {

const std::string kHeader = "server,lab,needs,colour,marker,threads";

// A file with these contents, for as long as it lives.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& contents) {
    path_ = (fs::temp_directory_path() / "servers-XXXXXX").string();
    const int fd = mkstemp(path_.data());
    REQUIRE(fd >= 0);
    REQUIRE(write(fd, contents.data(), contents.size()) == static_cast<ssize_t>(contents.size()));
    close(fd);
  }
  ~TemporaryFile() { unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What reading the contents ends with, without the file's name before it.
std::string complaint_about(const std::string& contents) {
  const TemporaryFile file(contents);
  try {
    read_known_servers(file.path());
  } catch (const std::runtime_error& error) {
    const std::string text = error.what();
    CHECK(text.starts_with(file.path() + ":"));
    return text.substr(file.path().size() + 1);
  }
  return "none";
}

}  // namespace

TEST_CASE("servers are read in the order of the file, with what is expected of them") {
  const TemporaryFile file(
      kHeader + ",fast,polite\nzebra,09,libzoo,#000000,o,no,yes,no\nape,03,,#000000,s,yes,no,yes\n");
  const std::vector<KnownServer> servers = read_known_servers(file.path());
  REQUIRE(servers.size() == 2);
  CHECK(servers[0].name == "zebra");
  CHECK(servers[0].lab == "09");
  CHECK(servers[0].needs == "libzoo");
  CHECK(servers[1].needs == "");
  CHECK(servers[0].expected == std::map<std::string, bool>{{"fast", true}, {"polite", false}});
  CHECK(servers[1].name == "ape");
  CHECK(servers[1].expected == std::map<std::string, bool>{{"fast", false}, {"polite", true}});
}

TEST_CASE("what a server can't be asked isn't expected of it") {
  const TemporaryFile file(kHeader + ",fast,polite\nape,03,,#000000,o,no,n/a,no\n");
  CHECK(read_known_servers(file.path()).at(0).expected == std::map<std::string, bool>{{"polite", false}});
}

TEST_CASE("a header alone knows no servers") {
  const TemporaryFile file(kHeader + ",fast\n");
  CHECK(read_known_servers(file.path()).empty());
}

TEST_CASE("a missing or empty file is named, with what makes it") {
  const std::string missing = "/there/is/no/such/servers.csv";
  try {
    read_known_servers(missing);
    FAIL("no exception");
  } catch (const std::runtime_error& error) {
    CHECK(std::string(error.what()) == missing + ": missing or empty; 'make build' puts it there");
  }
  CHECK(complaint_about("").find("missing or empty") != std::string::npos);
}

TEST_CASE("a cell other than yes and no is named with its line and its behaviour") {
  CHECK(
      complaint_about(kHeader + ",fast,polite\na,01,,#000000,o,no,yes,no\nb,02,,#000000,o,no,yes,maybe\n") ==
      "3: 'maybe' for polite: only yes, no and n/a are allowed");
  CHECK(complaint_about(kHeader + ",fast\na,01,,#000000,o,no,Yes\n") ==
        "2: 'Yes' for fast: only yes, no and n/a are allowed");
  CHECK(complaint_about(kHeader + ",fast,polite\na,01,,#000000,o,no,,no\n") ==
        "2: '' for fast: only yes, no and n/a are allowed");
}

TEST_CASE("a line with too few or too many cells is named") {
  CHECK(complaint_about(kHeader + ",fast\na,01\n") == "2: 2 cells, the header has 7");
  CHECK(complaint_about(kHeader + ",fast\na,01,,#000000,o,no,yes\nb,02,,#000000,o,no,yes,yes\n") ==
        "3: 8 cells, the header has 7");
  CHECK(complaint_about(kHeader + ",fast\na,01,,#000000,o,no,yes\n\n") == "3: 0 cells, the header has 7");
}

TEST_CASE("a header without server and lab is refused") {
  CHECK(complaint_about("server\na\n").starts_with("1: "));
  CHECK(complaint_about("name,lab,fast\na,01,yes\n").starts_with("1: "));
  CHECK(complaint_about("server,lab,fast\na,01,yes\n")
            .starts_with("1: the header begins with '" + kHeader + "'"));
}
