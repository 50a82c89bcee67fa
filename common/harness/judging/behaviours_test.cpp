#include "common/harness/judging/behaviours.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/harness/judging/chat_behaviours.h"
#include "common/harness/processes/known_servers.h"

namespace {

// Of a list beside the programs: the columns behind those about the program.
std::set<std::string> columns_of(const std::string& list, std::string_view about_the_program) {
  std::set<std::string> columns;
  const std::string path = harness::program_folder() + "/../bin/" + list;
  for (const auto& server : harness::read_known_servers(path, about_the_program)) {
    for (const auto& [behaviour, expected] : server.expected) columns.insert(behaviour);
  }
  return columns;
}

std::set<std::string> names_of(const std::vector<harness::Behaviour>& behaviours) {
  std::set<std::string> names;
  for (const harness::Behaviour& behaviour : behaviours) names.insert(behaviour.name);
  return names;
}

}  // namespace

TEST_CASE("the list of our servers has a column for each behaviour, and no other") {
  CHECK(columns_of("servers.csv", harness::about_a_server) == names_of(harness::behaviours()));
}

TEST_CASE("the list of our chat rooms has a column for each of theirs, and no other") {
  CHECK(columns_of("chat_rooms.csv", harness::about_a_room) == names_of(harness::chat_behaviours()));
}
