#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace harness {

/// A server of the labs: a program in the folder of the harness, and what it is expected to do. How it is
/// drawn and whether it has threads stands in its row too, for plots/ and for CI.
struct KnownServer {
  std::string name;
  std::string lab;
  /// The library without which it isn't built, as in "liburing"; empty: it is always there.
  std::string needs;
  /// Behaviour → whether the server has it; the *no*s are lessons too. What a server can't be asked isn't in
  /// it.
  std::map<std::string, bool> expected;
};

/// The folder that the harness itself was started from: build/bin.
std::string program_folder();

/// The columns of servers.csv before the behaviours, and those of chat_rooms.csv.
inline constexpr std::string_view about_a_server = "server,lab,needs,colour,marker,threads";
inline constexpr std::string_view about_a_room = "room,lab,needs";

/// The servers of the labs, in the order of the labs, from servers.csv beside the harness (in the repository:
/// common/harness/servers.csv). The harness knows a server by this file only. `about_the_program`: the
/// columns before the behaviours, of which the first three are name, lab and what it needs.
/// Throws std::runtime_error that names the file and the line.
std::vector<KnownServer> read_known_servers(const std::string& path,
                                            std::string_view about_the_program = about_a_server);

}  // namespace harness
