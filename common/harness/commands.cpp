#include "common/harness/commands.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "common/harness/experiments/catalogue.h"
#include "common/harness/judging/behaviours.h"
#include "common/harness/judging/chat_behaviours.h"
#include "common/harness/judging/matrix.h"
#include "common/harness/judging/side_by_side.h"
#include "common/harness/progress.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "common/terminal/folded.h"

namespace harness {

namespace {

std::string names_of(const std::vector<KnownServer>& known) {
  std::string names;
  for (const KnownServer& server : known) names += (names.empty() ? "" : ", ") + server.name;
  return names;
}

}  // namespace

std::vector<Target> choose_targets(const Choice& choice, const std::vector<KnownServer>& known,
                                   const std::string& kind) {
  std::vector<Target> targets;
  const bool all = choice.names.empty() && choice.connect.empty() && choice.command.empty();
  for (const KnownServer& server : known) {
    if (all || choice.names == std::vector<std::string>{"all"}) targets.push_back(Target::of(server));
  }
  for (const std::string& name : choice.names) {
    if (choice.names.size() == 1 && name == "all") break;
    const auto server =
        std::find_if(known.begin(), known.end(), [&name](const KnownServer& k) { return k.name == name; });
    if (server == known.end()) {
      throw BadUse(fmt::format("unknown {} '{}': there are {}; or give a command after --", kind, name,
                               names_of(known)));
    }
    targets.push_back(Target::of(*server));
  }
  try {
    if (!choice.connect.empty()) targets.push_back(Target::at(choice.connect));
  } catch (const net::SystemError&) {
    throw;  // nobody is there: not the user's mistake
  } catch (const std::exception& error) {
    throw BadUse(fmt::format("--connect: {}", error.what()));
  }
  if (!choice.command.empty()) targets.push_back(Target::foreign(choice.command));
  return targets;
}

Selection select_runnable(const std::vector<Target>& targets, const Interruption& interruption) {
  Selection selection = leave_out_what_cannot_run(targets, interruption);
  for (const std::string& reason : selection.left_out) fmt::print(stderr, "left out: {}\n", reason);
  return selection;
}

int exit_code(int status, const Choice& choice, const Selection& selection) {
  const bool all = choice.names.empty() || choice.names == std::vector<std::string>{"all"};
  return status != 0 || all || selection.left_out.empty() ? status : net::cannot_run_here;
}

namespace {

// A name and what it is about, in columns.
void list_one(const std::string& name, const std::string& about) {
  constexpr std::size_t column = 33;
  fmt::print("  {:<30} {}\n", name, terminal::folded(about, column, std::string(column, ' ')));
}

void list_programs(const std::string& heading, const std::vector<KnownServer>& known) {
  fmt::print("{}\n", heading);
  for (const KnownServer& program : known) list_one(program.name, "lab " + program.lab);
}

void list_behaviours(const std::string& heading, const std::vector<Behaviour>& all) {
  fmt::print("{}\n", heading);
  for (const Behaviour& behaviour : all) list_one(behaviour.name, behaviour.question);
}

}  // namespace

int list_command(const std::vector<KnownServer>& servers, const std::vector<KnownServer>& rooms) {
  list_programs("servers", servers);
  list_programs("chat rooms", rooms);
  fmt::print("experiments (harness sweep)\n");
  for (const Experiment& experiment : experiments()) list_one(experiment.name, experiment.description);
  list_behaviours("behaviours (harness check)", behaviours());
  list_behaviours("behaviours of chat rooms (harness check-chat)", chat_behaviours());
  return 0;
}

namespace {

// Throws BadUse for a name that isn't one.
std::vector<const Behaviour*> choose_behaviours(const std::vector<Behaviour>& all, const std::string& only) {
  std::vector<const Behaviour*> chosen;
  std::istringstream names(only);
  for (std::string name; std::getline(names, name, ',');) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&name](const Behaviour& behaviour) { return behaviour.name == name; });
    if (found == all.end())
      throw BadUse(fmt::format(
          "--only takes names of behaviours, separated by commas, not '{}': 'harness list' prints them",
          name));
    chosen.push_back(&*found);
  }
  if (only.empty()) {
    for (const Behaviour& behaviour : all) chosen.push_back(&behaviour);
  }
  return chosen;
}

// How wide a table on stdout may be.
std::size_t columns_of_stdout() {
  winsize size{};
  const bool terminal = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return terminal ? size.ws_col : 200;
}

}  // namespace

int check_command(const std::vector<Target>& targets, const std::vector<Behaviour>& behaviours,
                  const CheckOptions& options, const Choice& choice, const Interruption& interruption) {
  const Selection chosen = select_runnable(targets, interruption);
  if (chosen.targets.empty()) return net::cannot_run_here;
  const auto asked = choose_behaviours(behaviours, options.only);
  raise_descriptor_limit();
  if (!options.save.empty()) require_writable(options.save);  // better now than at the end
  Progress progress("behaviours", chosen.targets.size() * asked.size());
  const std::vector<Row> rows = judge(chosen.targets, asked, interruption,
                                      [&progress](const std::string& what) { progress.step(what); });
  progress.finish();
  const std::size_t unexpected = count_unexpected(rows);
  if (options.json) {
    fmt::print("{}", matrix_json(rows));
  } else {
    fmt::print("{}\n{}", matrix_evidence(rows),
               matrix_table(rows, terminal::may_colour(STDOUT_FILENO), columns_of_stdout()));
    fmt::print("{}\n", unexpected == 0 ? "all as expected"
                                       : fmt::format("{} not as expected (marked !)", unexpected));
  }
  if (!options.save.empty()) write_atomically(options.save, matrix_json(rows));
  return exit_code(unexpected == 0 ? 0 : 1, choice, chosen);
}

}  // namespace harness
