#include "common/harness/contenders.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <sstream>

#include "common/harness/comparing/report.h"
#include "common/harness/load/load_generator.h"
#include "common/net/complaint.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

// The commands behind the first `--`, each behind a `--` of its own. Throws BadUse for one without a word.
std::vector<std::vector<std::string>> split_commands(const std::vector<std::string>& words) {
  std::vector<std::vector<std::string>> commands;
  if (!words.empty()) commands.emplace_back();
  for (const std::string& word : words) {
    if (word == "--")
      commands.emplace_back();
    else
      commands.back().push_back(word);
  }
  for (const auto& command : commands) {
    if (command.empty()) throw BadUse("after each -- comes a command that starts a server");
  }
  return commands;
}

bool is_same(const Target& one, const Target& other) {
  return one.command == other.command && (one.running_at ? one.name == other.name : !other.running_at);
}

// What stands between the commas. Throws BadUse where nothing does: to choose_targets that means all servers.
std::vector<std::string> split_addresses(const std::string& connect) {
  std::vector<std::string> addresses;
  if (connect.empty()) return addresses;
  std::istringstream words(connect + ',');
  for (std::string address; std::getline(words, address, ',');) {
    if (address.empty())
      throw BadUse(
          fmt::format("--connect takes HOST:PORT,...: in '{}' a comma has no address beside it", connect));
    addresses.push_back(address);
  }
  return addresses;
}

// All that the user named, in the order names, addresses, commands.
std::vector<Target> named_targets(const Choice& choice, const std::vector<KnownServer>& known) {
  std::vector<Target> targets;
  const auto add = [&targets, &known](const Choice& some) {
    for (Target& target : choose_targets(some, known)) targets.push_back(std::move(target));
  };
  if (!choice.names.empty()) add({.names = choice.names, .connect = "", .command = {}});
  for (const std::string& address : split_addresses(choice.connect))
    add({.names = {}, .connect = address, .command = {}});
  for (const auto& command : split_commands(choice.command))
    add({.names = {}, .connect = "", .command = command});
  return targets;
}

// Each once, all with names that differ: two builds of one program have the same.
std::vector<Target> distinct(const std::vector<Target>& targets) {
  std::vector<Target> once;
  for (Target target : targets) {
    const auto same = [&target](const Target& other) { return is_same(target, other); };
    if (std::any_of(once.begin(), once.end(), same)) continue;
    const std::string name = target.name;
    const auto taken = [&target](const Target& other) { return other.name == target.name; };
    for (int number = 2; std::any_of(once.begin(), once.end(), taken); ++number)
      target.name = fmt::format("{} ({})", name, number);
    once.push_back(std::move(target));
  }
  return once;
}

bool lacks(const Target& target, const std::string& behaviour) {
  if (!target.known) return false;
  const auto cell = target.known->expected.find(behaviour);
  return cell != target.known->expected.end() && !cell->second;
}

// Why a server can't be measured: it doesn't start, nobody is there, it is no echo. Empty if it can.
std::string trial(const Target& target, const Interruption& interruption) {
  try {
    const RunningTarget server(target, interruption);
    LoadGenerator client({.server = server.address()}, interruption);
    client.open(5s);
    const Failures failures = client.failures();
    client.abort();
    if (failures.all() == 0) return "";
    return fmt::format("server '{}' does not echo: the first client {}", target.name,
                       failures.refused > 0    ? "was refused"
                       : failures.timeouts > 0 ? "got no reply"
                       : failures.corrupt > 0  ? "got wrong bytes"
                                               : "lost its connection");
  } catch (const ServerError& error) {
    return error.what();
  }
}

}  // namespace

std::vector<Target> choose_contenders(const Choice& choice, const std::vector<KnownServer>& known) {
  const std::vector<Target> named = named_targets(choice, known);
  if (named.size() < 2)
    throw BadUse(
        "compare takes two servers or more: names, --connect HOST:PORT,..., or commands, each after "
        "a -- of its own; the same one twice shows what this machine can tell");
  return distinct(named);
}

std::vector<Target> with_base_again(const std::vector<Target>& targets) {
  std::vector<Target> contenders = targets;
  Target again = targets.front();
  again.name += " again";
  contenders.insert(contenders.begin() + Compared::base_again, std::move(again));
  return contenders;
}

void require_able(const std::vector<Target>& targets, const LoadPoint& point) {
  for (const Target& target : targets) {
    if (point.connections > 1000 && lacks(target, "more-than-1024"))
      throw BadUse(
          fmt::format("{} can't serve {} connections, by its nature not 'more-than-1024': give "
                      "--connections 1000 or fewer",
                      target.name, point.connections));
    if (point.active < point.connections && lacks(target, "silent-client-stops-no-one"))
      throw BadUse(
          fmt::format("{} stops at a silent connection, by its nature not "
                      "'silent-client-stops-no-one': give --active 100%",
                      target.name));
  }
}

bool all_can_be_measured(const std::vector<Target>& targets, const Interruption& interruption) {
  bool all = true;
  for (const Target& target : targets) {
    const std::string reason = trial(target, interruption);
    if (reason.empty()) continue;
    net::say("harness", reason);
    all = false;
  }
  return all;
}

}  // namespace harness
