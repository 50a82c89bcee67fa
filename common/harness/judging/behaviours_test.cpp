#include "common/harness/judging/behaviours.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "common/harness/processes/known_servers.h"

TEST_CASE("the list of our servers has a column for each behaviour, and no other") {
  std::set<std::string> columns;
  for (const auto& server : harness::read_known_servers(harness::program_folder() + "/../bin/servers.csv")) {
    for (const auto& [behaviour, expected] : server.expected) columns.insert(behaviour);
  }
  std::set<std::string> all;
  for (const harness::Behaviour& behaviour : harness::behaviours()) all.insert(behaviour.name);
  CHECK(columns == all);
}
