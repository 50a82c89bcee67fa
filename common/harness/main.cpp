// harness: starts a server, drives it, samples it, judges it, records it.
//
// Run:  build/bin/harness list
//       build/bin/harness check epoll
//       build/bin/harness load poll --connections 1000 --active 8
//       build/bin/harness load poll --rate 5000 --arrivals poisson
//       build/bin/harness compare epoll select --connections 1000 --active 8
//       build/bin/harness sweep latency-vs-connections
//       build/bin/harness diff docs/reference results
//       build/bin/harness export results/load --hdr load.hlog --csv load.csv
//       build/bin/harness check -- python3 my_server.py {port}
//       build/bin/harness check-chat chat-drop

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "common/harness/commands.h"
#include "common/harness/judging/chat_behaviours.h"
#include "common/harness/judging/chat_format.h"
#include "common/harness/load/payload.h"
#include "common/net/address.h"
#include "common/net/command_line.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

using harness::BadUse;
using harness::Choice;

// `load` measures a single server.
void require_one(const std::vector<harness::Target>& targets) {
  if (targets.size() != 1)
    throw BadUse("load takes one server: a name, --connect HOST:PORT, or a command after --");
}

// The options of what is asked of a server, the same for each command that asks it.
template <typename Options>
void offer_load(net::CommandLine& command, Options& options) {
  command.number("--connections", options.connections, 1, 1'000'000, "open connections");
  command.text("--active", options.active, "how many of them speak: a number, or a share such as 5%");
  command.number("--message-bytes", options.message_bytes, harness::Payload::smallest, 16 << 20,
                 "size of a message: connection, sequence and check need 12 bytes");
  command.text("--rate", options.rate,
               "open loop: so many requests a second, whatever the server does (not given: closed loop, each "
               "connection waits for its reply)");
  command.text("--arrivals", options.arrivals,
               "with --rate: fixed (equal intervals; the default) or poisson (random ones)",
               {"fixed", "poisson"});
}

std::vector<harness::KnownServer> known_rooms() {
  return harness::read_known_servers(harness::program_folder() + "/chat_rooms.csv", harness::about_a_room);
}

// The rooms, each of which speaks as --format says, if it is given.
std::vector<harness::Target> speaking(const std::string& format, std::vector<harness::Target> rooms) {
  if (format.empty()) return rooms;
  try {
    harness::ChatFormat::parse(format);
  } catch (const std::invalid_argument& error) {
    throw BadUse(fmt::format("--format: {}", error.what()));
  }
  for (harness::Target& room : rooms) room.format = format;
  return rooms;
}

int run(int argc, char** argv) {
  // What follows `--` is a foreign server's own command: not ours to parse.
  char** const end = argv + argc;
  char** const separator = std::find(argv, end, std::string("--"));
  Choice choice;
  for (char** word = separator; word != end; ++word) choice.command.emplace_back(*word);
  if (!choice.command.empty()) choice.command.erase(choice.command.begin());
  if (separator != end && choice.command.empty())
    throw BadUse("after -- comes the command that starts the server");

  net::CommandLine options("harness",
                           "Starts a server of the lab or any other, drives it, measures and judges it.");
  net::CommandLine list = options.command("list", "the servers, rooms, experiments and behaviours it knows");
  net::CommandLine check = options.command("check", "judge servers: the behaviour matrix");
  net::CommandLine check_chat = options.command("check-chat", "judge chat rooms: the matrix of theirs");
  net::CommandLine load = options.command("load", "measure one load point");
  net::CommandLine compare =
      options.command("compare", "ratios of two servers or more, with what this machine can tell");
  net::CommandLine diff = options.command("diff", "two folders of results as ratios");
  net::CommandLine to_export = options.command("export", "the exact samples for other tools, as files");
  net::CommandLine sweep =
      options.command("sweep", "run an experiment: servers (or its own scenarios) × points × repetitions");

  harness::CheckOptions check_options;
  for (net::CommandLine* command : {&check, &check_chat}) {
    command->flag("--json", check_options.json, "print the matrix as JSON");
    command->text("--save", check_options.save, "write the matrix as JSON to this file as well");
    command->text("--only", check_options.only, "ask these behaviours alone: NAME,NAME,... ('harness list')");
  }

  std::string format;
  check_chat.text("--format", format,
                  "the words of a room that are not those of the lab's, as in 'message=<{name}> {line}; "
                  "joined={name} is here' (docs/chat-behaviours.md)");

  harness::LoadOptions load_options;
  offer_load(load, load_options);
  load.decimal("--duration", load_options.duration_s, 0.01, 3600, "seconds that are measured");
  load.decimal("--warm-up", load_options.warm_up_s, 0, 3600, "seconds that are spoken before, not measured");
  load.number("--tries", load_options.tries, 1, 100,
              "how many runs at most, until one is valid; those that lost clients aren't repeated");

  harness::CompareOptions compare_options;
  offer_load(compare, compare_options);
  compare.number("--rounds", compare_options.rounds, 1, 1000,
                 "how often each server is measured; 6 or more for an interval");
  compare.decimal("--at-most", compare_options.at_most_s, 1, 86400,
                  "seconds: no round begins that would end later");
  compare.number("--seed", compare_options.seed, 0, INT64_MAX, "the same seed gives the same order of runs");
  compare.flag("--json", compare_options.json, "print the ratios as JSON");

  harness::SweepOptions sweep_options;
  std::vector<std::string> words;
  sweep.text("--profile", sweep_options.profile, "quick, or full: more points, longer, more repetitions",
             {"quick", "full"});
  sweep.number("--seed", sweep_options.seed, 0, INT64_MAX, "the same seed gives the same order of runs");
  sweep.flag("--resume", sweep_options.resume, "go on where an interrupted sweep stopped");
  sweep.words("experiment_and_servers", words, "the experiment, then servers (none: all)");

  std::vector<std::string> folders;
  diff.words("folder", folders,
             "two folders of all results, or of one experiment: the second over the first");
  harness::ExportOptions export_options;
  to_export.text("--hdr", export_options.hdr, "write HdrHistogram's log to this file");
  to_export.text("--csv", export_options.csv, "write a line a request to this file");
  to_export.words("folder", folders, "the folder of one experiment (none: results/load)");
  check.words("server", choice.names, "names of servers (none: all)");
  check_chat.words("room", choice.names, "names of chat rooms (none: all)");
  load.words("server", choice.names, "one server's name, or a command after --, or --connect");
  compare.words("server", choice.names,
                "names of servers; commands, each after a -- of its own. The others are compared with the "
                "first; the same one twice shows what this machine can tell");
  for (net::CommandLine* command : {&check, &check_chat, &load, &sweep})
    command->text("--connect", choice.connect, "HOST:PORT of a server that already runs");
  compare.text("--connect", choice.connect, "HOST:PORT,... of servers that already run");
  load.text("--results", load_options.results, "the folder of all records");
  compare.text("--results", compare_options.results, "the folder of all records");
  sweep.text("--results", sweep_options.results, "the folder of all records");
  options.parse(static_cast<int>(separator - argv), argv);

  if (diff.given() || to_export.given()) {
    folders.insert(folders.end(), choice.command.begin(), choice.command.end());  // with names such as "-x"
    if (diff.given()) harness::diff_command(folders);
    harness::export_command(export_options, folders);
  }
  const auto known = harness::read_known_servers(harness::program_folder() + "/servers.csv");
  const harness::Interruption interruption;
  if (list.given()) return list_command(known, known_rooms());
  if (check_chat.given()) {
    const auto targets = speaking(format, choose_targets(choice, known_rooms(), "chat room"));
    return check_command(targets, harness::chat_behaviours(), check_options, choice, interruption);
  }
  if (check.given() || load.given()) {
    const auto targets = choose_targets(choice, known);
    if (check.given()) {
      return check_command(targets, harness::behaviours(), check_options, choice, interruption);
    }
    require_one(targets);
    const harness::Selection chosen = select_runnable(targets, interruption);
    if (chosen.targets.empty()) return net::cannot_run_here;
    return load_command(chosen.targets.front(), load_options, interruption);
  }
  if (compare.given()) return compare_command(choice, known, compare_options, interruption);
  if (words.empty()) throw BadUse("sweep takes the name of an experiment; 'harness list' prints them");
  sweep_options.experiment = words.front();
  choice.names.assign(words.begin() + 1, words.end());
  return sweep_command(choice, known, known_rooms(), sweep_options, interruption);
}

// A standard stream that is closed would give its number to a socket of ours, and what is said would go there
// or be an error without a word. What is said to a closed stderr is dropped; a closed stdout stays an error.
void open_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is this one: those below it are open (open(2)).
    if (open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) < 0)
      throw net::SystemError("open /dev/null");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    open_standard_streams();
    const int status = run(argc, argv);
    if (std::fflush(stdout) != 0) throw net::SystemError("write to stdout");
    return status;
  } catch (const BadUse& error) {
    net::CommandLine::fail("harness", error.what());
  } catch (const harness::Interrupted& interrupted) {
    net::say("harness", interrupted.what());
    return 130;  // as a shell reports an end by SIGINT
  } catch (const std::exception& error) {
    net::say("harness", error.what());
    return 1;
  }
}
