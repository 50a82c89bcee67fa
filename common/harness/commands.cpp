#include "common/harness/commands.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <sstream>

#include "common/harness/experiments/catalogue.h"
#include "common/harness/judging/behaviours.h"
#include "common/harness/judging/chat_behaviours.h"
#include "common/harness/judging/matrix.h"
#include "common/harness/judging/side_by_side.h"
#include "common/harness/load/payload.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/measuring/measurement.h"
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

// Five digits say all that a duration has to say.
std::string short_number(double value) { return fmt::format("{:.{}f}", value, value < 1000 ? 1 : 0); }

void say_figures(const std::string& what, const Run& run) {
  const std::string figures = run.invalid_reason.empty() ? "valid" : "INVALID: " + run.invalid_reason;
  constexpr std::size_t indent = 13;
  fmt::print("  {:<{}}{}\n", what, indent - 2, terminal::folded(figures, indent, indent));
}

void print_latency(const Run& run) {
  if (!run.p50_us) return;
  fmt::print("  latency    p50 {}  p90 {}  p99 {}  p99.9 {}  max {} µs\n", short_number(*run.p50_us),
             short_number(*run.p90_us), short_number(*run.p99_us), short_number(*run.p999_us),
             short_number(*run.max_us));
}

void print_server_cost(const Run& run) {
  if (!run.server_cpu_share) return;
  fmt::print("  server     {:.0f} % of a core, {:.1f} µs of CPU a request\n", *run.server_cpu_share * 100,
             run.server_cpu_us_per_request.value_or(0));
  fmt::print("  switches   {} voluntary, {} involuntary\n", *run.server_voluntary_switches,
             *run.server_involuntary_switches);
}

void print_memory(const Run& run) {
  if (!run.memory) return;
  fmt::print("  memory     virtual {} KiB, resident {} KiB, proportional {} KiB\n",
             run.memory->virtual_bytes / 1024, run.memory->resident_bytes / 1024,
             run.memory->proportional_bytes / 1024);
  fmt::print("  kernel     page tables {} KiB, kernel stacks {} KiB, sockets {} KiB\n",
             run.memory->page_table_bytes / 1024, run.memory->kernel_stack_bytes / 1024,
             run.socket_bytes.value_or(0) / 1024);
  fmt::print("  slab       {:+} KiB, both ends\n", run.slab_both_ends_bytes.value_or(0) / 1024);
}

void print_load(const Run& run) {
  const auto speaking = run.speaking.value_or(run.active);
  fmt::print(
      "{}: {} connections, {} speaking\n", run.server, run.connections,
      speaking == run.active ? fmt::format("{}", speaking) : fmt::format("{} of {}", speaking, run.active));
  fmt::print("  requests   {:.0f} a second, {} in all, of {} bytes; closed loop, {} s\n",
             run.requests_per_s.value_or(0), run.requests.value_or(0), run.message_bytes, run.duration_s);
  fmt::print("  failures   errors {}, timeouts {}, refused {}, corrupt {}\n", run.errors, run.timeouts,
             run.refused, run.corrupt);
  print_latency(run);
  print_server_cost(run);
  print_memory(run);
  fmt::print("  generator  {:.0f} % of a core, waited for it {:.1f} % of the time\n",
             run.generator_cpu_share.value_or(0) * 100, run.generator_run_delay_share.value_or(0) * 100);
  say_figures("figures", run);
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

std::size_t parse_active(const std::string& text, std::size_t connections) {
  double value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  const bool percent = error == std::errc() && last - end == 1 && *end == '%';
  const bool whole = error == std::errc() && end == last && value == std::floor(value);
  const double count = percent ? static_cast<double>(connections) * value / 100 : value;
  if ((!percent && !whole) || !(count > 0) || count > static_cast<double>(connections)) {
    throw BadUse(fmt::format("--active takes a number from 1 to {} or a share above 0% up to 100%, not '{}'",
                             connections, text));
  }
  return std::max<std::size_t>(1, static_cast<std::size_t>(count));
}

namespace {

void list_programs(const std::string& heading, const std::vector<KnownServer>& known) {
  fmt::print("{}\n", heading);
  for (const KnownServer& program : known) fmt::print("  {:<30} lab {}\n", program.name, program.lab);
}

void list_behaviours(const std::string& heading, const std::vector<Behaviour>& all) {
  fmt::print("{}\n", heading);
  for (const Behaviour& behaviour : all)
    fmt::print("  {:<30} {}\n", behaviour.name, terminal::folded(behaviour.question, 33, 33));
}

}  // namespace

int list_command(const std::vector<KnownServer>& servers, const std::vector<KnownServer>& rooms) {
  list_programs("servers", servers);
  list_programs("chat rooms", rooms);
  fmt::print("experiments (harness sweep)\n");
  for (const Experiment& experiment : experiments())
    fmt::print("  {:<30} {}\n", experiment.name, terminal::folded(experiment.description, 33, 33));
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

int load_command(const Target& target, const LoadOptions& options, const Interruption& interruption) {
  const Build build = measurable_build();
  const auto connections = static_cast<std::size_t>(options.connections);
  LoadPoint point{.connections = connections,
                  .active = parse_active(options.active, connections),
                  .message_bytes = static_cast<std::size_t>(options.message_bytes),
                  .warm_up = std::chrono::nanoseconds(static_cast<std::int64_t>(options.warm_up_s * 1e9)),
                  .duration = std::chrono::nanoseconds(static_cast<std::int64_t>(options.duration_s * 1e9))};
  if (const auto limit = raise_descriptor_limit(); connections + 50 > limit) {
    throw BadUse(
        fmt::format("{} connections need more than the {} descriptors that are allowed: raise 'ulimit -n'",
                    connections, limit));
  }
  const Cores cores = Cores::choose();
  Records records =
      Records::start(options.results, "load", environment_json(build, facts_of(cores, "load", 0, {})));
  pin_to_core(*cores.generator);
  for (int repetition = 1;; ++repetition) {
    Measured measured = measure(target, point, cores, interruption);
    Run& run = measured.run;
    run.experiment = "load";
    run.repetition = repetition;
    run.samples_file = records.add_samples(file_name_for(run), measured.latency_ns);
    records.add(run);
    if (repetition < options.tries && may_be_valid_next_time(run, cores)) {
      say_figures("again", run);
      continue;
    }
    print_load(run);
    fmt::print("  recorded   {}\n", records.folder());
    return run.lost() > 0 || run.requests == 0U ? 1 : 0;
  }
}

}  // namespace harness
