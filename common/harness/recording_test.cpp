#include <doctest/doctest.h>

#include <set>
#include <string>

#include "common/harness/commands.h"

using harness::file_name_for;
using harness::RequestCost;
using harness::Run;

TEST_CASE("runs that differ have samples of different names") {
  Run run;
  run.server = "poll";
  run.connections = 100;
  run.repetition = 1;
  std::set<std::string> names{file_name_for(run)};
  for (const RequestCost cost :
       {RequestCost{.work_us = 1}, RequestCost{.wait_us = 1}, RequestCost{.on_all_cores = true}}) {
    Run costly = run;
    costly.cost = cost;
    CHECK(names.insert(file_name_for(costly)).second);
  }
  for (const int percent : {50, 90}) {
    run.capacity_percent = percent;
    CHECK(names.insert(file_name_for(run)).second);
  }
  run.repetition = 2;
  CHECK(names.insert(file_name_for(run)).second);
  run.connections = 101;
  CHECK(names.insert(file_name_for(run)).second);
}

TEST_CASE("a command of the user's own makes a file's name without anything that a shell or a path means") {
  Run run;
  run.server = "../sh -c 'a/b'";
  run.connections = 1;
  run.repetition = 1;
  CHECK(file_name_for(run) == ".._sh_-c__a_b_-c1-r1");
}
