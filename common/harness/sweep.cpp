#include "common/harness/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "common/harness/experiments/catalogue.h"
#include "common/harness/experiments/schedule.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/progress.h"
#include "common/net/server.h"
#include "common/terminal/folded.h"

namespace harness {

namespace {

const Experiment& find_experiment(const std::string& name) {
  std::string names;
  for (const Experiment& experiment : experiments()) {
    if (experiment.name == name) return experiment;
    names += (names.empty() ? "" : ", ") + experiment.name;
  }
  throw BadUse(fmt::format("unknown experiment '{}': there are {}", name, names));
}

// The servers or rooms that the user chose; none for an experiment that is not about servers.
std::vector<Target> choose_servers(const Experiment& experiment, const Choice& choice,
                                   const std::vector<KnownServer>& servers,
                                   const std::vector<KnownServer>& rooms) {
  if (experiment.about_rooms) return choose_targets(choice, rooms, "chat room");
  if (experiment.scenarios.empty()) return choose_targets(choice, servers);
  if (!choice.names.empty() || !choice.connect.empty() || !choice.command.empty()) {
    throw BadUse(fmt::format("{} starts programs of its own and takes no server: give its name alone",
                             experiment.name));
  }
  return {};
}

std::vector<Subject> subjects_of(const Experiment& experiment, const Selection& servers) {
  std::vector<Subject> subjects;
  for (const Scenario& scenario : experiment.scenarios) subjects.push_back(Subject::of(scenario));
  for (const Target& server : servers.targets) {
    subjects.push_back({.name = server.name,
                        .server = server,
                        .message_bytes = experiment.message_bytes,
                        .loop = experiment.loop});
  }
  return subjects;
}

// A slot as the user is told of it: "epoll, 8 connections, 100 µs of waiting a request".
std::string in_words(const Slot& slot, const Subject& subject) {
  if (!subject.server) return subject.name;
  std::string words = fmt::format("{}, {} connections", subject.name, slot.connections);
  if (slot.cost.wait_us > 0) words += fmt::format(", {} µs of waiting a request", slot.cost.wait_us);
  if (slot.cost.work_us > 0) words += fmt::format(", {} µs of computing a request", slot.cost.work_us);
  if (slot.capacity_percent) words += fmt::format(", {} % of its capacity", *slot.capacity_percent);
  return words + (slot.cost.on_all_cores ? ", all cores" : "");
}

// The experiment as the user wants it, where that is not what the profile says.
Experiment as_chosen(Experiment experiment, const SweepOptions& options) {
  Scale& scale = options.profile == "full" ? experiment.full : experiment.quick;
  const bool has_points = experiment.scenarios.empty() && !experiment.fixed_connections;
  if (!has_points && (!options.connections.empty() || options.active > 0)) {
    throw BadUse(fmt::format("{} has its own number of connections: --connections and --active don't apply",
                             experiment.name));
  }
  if (!options.connections.empty()) {
    scale.connections.assign(options.connections.begin(), options.connections.end());
    scale.long_point = {};
  }
  if (options.active > 0) {
    if (experiment.active == 0U || experiment.about_rooms)
      throw BadUse(fmt::format("{} says itself who speaks: --active doesn't apply", experiment.name));
    experiment.active = static_cast<std::size_t>(options.active);
    experiment.needs.emplace_back("silent-client-stops-no-one");  // the others are silent
  }
  const std::size_t fewest = *std::min_element(scale.connections.begin(), scale.connections.end());
  if (has_points && experiment.active.value_or(0) > fewest) {
    throw BadUse(fmt::format("{} of {} connections can't speak: more connections, or fewer by --active",
                             *experiment.active, fewest));
  }
  if (options.repetitions > 0) scale.repetitions = static_cast<int>(options.repetitions);
  return experiment;
}

// Runs that the machine's other work has made invalid are made again, in a share of the sweep's own time: so
// that a machine that never rests makes it no longer than that.
class Again {
 public:
  static constexpr int share_percent = 20;

  // `took` is how long the run took that was the last.
  bool is_due(const Run& run, const Cores& cores, std::chrono::nanoseconds took) const {
    return may_be_valid_next_time(run, cores) &&
           (spent_ + took) * 100 < (Clock::now() - begin_ - spent_) * share_percent;
  }
  void took(std::chrono::nanoseconds time) {
    spent_ += time;
    ++runs_;
  }
  // Empty if none was made again.
  std::string in_words() const {
    if (runs_ == 0) return "";
    return fmt::format("runs made again because the machine had other work: {}, in {:.1f} s", runs_,
                       std::chrono::duration<double>(spent_).count());
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin_ = Clock::now();
  std::chrono::nanoseconds spent_{0};
  int runs_ = 0;
};

class Sweep {
 public:
  Sweep(const Experiment& experiment, const Conditions& conditions, Records& records)
      : experiment_(experiment), conditions_(conditions), records_(records) {}

  // Runs what the records don't hold yet. Returns those that lost clients, as the user is told of them.
  std::vector<std::string> run(const Schedule& schedule, const std::vector<Subject>& subjects) {
    Progress progress(experiment_.name, schedule.slots.size());
    std::vector<std::string> with_losses;
    for (const Slot& slot : schedule.slots) {
      const Subject& subject = subjects[slot.subject];
      progress.step(in_words(slot, subject));
      const Run plan = planned(slot, subject);
      if (records_.has(plan)) continue;
      conditions_.interruption.check();
      Outcome outcome = conduct(plan, subject);
      if (!outcome.note.empty()) progress.note(outcome.note);
      if (outcome.run.lost() > 0)
        with_losses.push_back(fmt::format("{}: {}", in_words(slot, subject), outcome.run.invalid_reason));
    }
    if (const std::string words = again_.in_words(); !words.empty()) progress.note(words);
    return with_losses;
  }

 private:
  // Returns a run that is recorded: the last one, if it was made again.
  Outcome conduct(const Run& plan, const Subject& subject) {
    using Clock = std::chrono::steady_clock;
    auto begin = Clock::now();
    Outcome outcome = experiment_.conduct(plan, subject, conditions_);
    while (again_.is_due(outcome.run, conditions_.cores, Clock::now() - begin)) {
      begin = Clock::now();
      try {
        conditions_.interruption.check();
        outcome = experiment_.conduct(plan, subject, conditions_);
      } catch (const Interrupted&) {
        record(outcome, plan);  // the run before it is finished
        throw;
      }
      again_.took(Clock::now() - begin);
    }
    record(outcome, plan);
    return outcome;
  }

  // What a run's row will say of its place in the schedule.
  Run planned(const Slot& slot, const Subject& subject) const {
    Run run;
    run.experiment = experiment_.name;
    run.server = subject.name;
    run.connections = slot.connections;
    run.active = experiment_.active.value_or(slot.connections);
    run.message_bytes = subject.message_bytes;
    run.cost = slot.cost;
    run.capacity_percent = slot.capacity_percent;
    run.loop = slot.capacity_percent ? "open" : subject.loop;
    run.repetition = slot.repetition;
    return run;
  }

  // The samples first: a row on disk names files that are there.
  void record(Outcome& outcome, const Run& plan) {
    outcome.run.experiment = plan.experiment;
    outcome.run.repetition = plan.repetition;
    outcome.run.cost = plan.cost;
    outcome.run.capacity_percent = plan.capacity_percent;
    const std::string name = file_name_for(outcome.run);
    if (!outcome.latency_ns.empty())
      outcome.run.samples_file = records_.add_samples(name, outcome.latency_ns);
    if (!outcome.events.empty()) outcome.run.samples_file = records_.add_text(name + ".csv", outcome.events);
    records_.add(outcome.run);
  }

  const Experiment& experiment_;
  const Conditions& conditions_;
  Records& records_;
  Again again_;
};

}  // namespace

int sweep_command(const Choice& choice, const std::vector<KnownServer>& servers,
                  const std::vector<KnownServer>& rooms, const SweepOptions& options,
                  const Interruption& interruption) {
  const Experiment experiment = as_chosen(find_experiment(options.experiment), options);
  const std::vector<Target> targets = choose_servers(experiment, choice, servers, rooms);
  const Build build = measurable_build();
  const Selection selection = select_runnable(targets, interruption);
  const std::vector<Subject> subjects = subjects_of(experiment, selection);
  if (subjects.empty()) return net::cannot_run_here;
  const Scale& scale = options.profile == "full" ? experiment.full : experiment.quick;
  const auto seed = static_cast<std::uint64_t>(options.seed);
  Schedule schedule = make_schedule(experiment, scale, subjects, seed, raise_descriptor_limit());
  for (const std::string& reason : schedule.left_out)
    fmt::print(stderr, "{}\n", terminal::folded("left out: " + reason, 0, "  "));
  schedule.left_out.insert(schedule.left_out.begin(), selection.left_out.begin(), selection.left_out.end());
  const Cores cores = Cores::choose();
  const std::string environment =
      environment_json(build, facts_of(cores, options.profile, seed, schedule.left_out));
  Records records = options.resume ? Records::resume(options.results, experiment.name, environment)
                                   : Records::start(options.results, experiment.name, environment);
  pin_to_core(*cores.generator);
  std::vector<std::string> with_losses;
  try {
    const Conditions conditions{.scale = scale, .cores = cores, .interruption = interruption};
    with_losses = Sweep(experiment, conditions, records).run(schedule, subjects);
  } catch (const Interrupted&) {
    throw Interrupted(fmt::format("interrupted: {} of {} runs are kept in {}; --resume goes on from there",
                                  records.size(), schedule.slots.size(), records.folder()));
  }
  fmt::print("{} runs recorded in {}\n", records.size(), records.folder());
  for (const std::string& run : with_losses) fmt::print(stderr, "invalid: {}\n", run);
  return exit_code(with_losses.empty() ? 0 : 1, choice, selection);
}

}  // namespace harness
