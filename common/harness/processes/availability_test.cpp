#include "common/harness/processes/availability.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <stdexcept>

#include "common/testing/interruptible.h"
#include "common/testing/temporary_folder.h"

using harness::leave_out_what_cannot_run;
using harness::Selection;
using harness::Target;
using testing::Interruptible;
using testing::TemporaryFolder;

namespace {

Target program(const std::string& name, const std::string& path) {
  const std::string needs = name == "io-uring" ? "liburing" : "";
  Target target = Target::of({.name = name, .lab = "00", .needs = needs, .expected = {}});
  target.command = {path};
  return target;
}

std::string script(const TemporaryFolder& folder, const std::string& text) {
  std::string path = folder / "program";
  std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
  REQUIRE(chmod(path.c_str(), 0755) == 0);
  return path;
}

}  // namespace

TEST_CASE_FIXTURE(Interruptible, "an optional server that was not built is left out with what is missing") {
  const Selection selection = leave_out_what_cannot_run(
      {program("io-uring", "/no/such/io-uring"), program("epoll", "/no/such/epoll")}, interruption);
  CHECK(selection.left_out ==
        std::vector<std::string>{"io-uring: not built: liburing was not found (Debian: liburing-dev)"});
  REQUIRE(selection.targets.size() == 1);  // that the other is missing is an error, when it is started
  CHECK(selection.targets[0].name == "epoll");
}

TEST_CASE_FIXTURE(Interruptible, "an optional server that ends with 77 is left out with its last words") {
  const TemporaryFolder folder;
  const auto left_out = [&](const std::string& text) {
    return leave_out_what_cannot_run({program("io-uring", script(folder, text))}, interruption).left_out;
  };
  CHECK(left_out("echo first >&2; echo \"io-uring: can't run here: no ring\" >&2; exit 77") ==
        std::vector<std::string>{"io-uring: can't run here: no ring"});
  CHECK(left_out("exit 77") == std::vector<std::string>{"io-uring: can't run here"});
}

TEST_CASE_FIXTURE(
    Interruptible,
    "an optional server that ends otherwise is an error, and one of the user's own is not asked") {
  const TemporaryFolder folder;
  const std::string failing = script(folder, "exit 1");
  CHECK_THROWS_WITH_AS(leave_out_what_cannot_run({program("io-uring", failing)}, interruption),
                       doctest::Contains("ended at once (exit 1)"), harness::ServerError);
  Target own = Target::foreign({failing});
  own.name = "io-uring";
  CHECK(leave_out_what_cannot_run({own}, interruption).targets.size() == 1);
}
