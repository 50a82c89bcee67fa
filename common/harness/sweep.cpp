#include "common/harness/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "common/harness/environment.h"
#include "common/harness/experiments.h"
#include "common/harness/head_of_line.h"
#include "common/harness/progress.h"

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

class Sweep {
 public:
  Sweep(const Experiment& experiment, const Scale& scale, const Cores& cores,
        const Interruption& interruption, Records& records)
      : experiment_(experiment),
        scale_(scale),
        cores_(cores),
        interruption_(interruption),
        records_(records) {}

  // Runs what the records don't hold yet.
  void run(const Schedule& schedule, const std::vector<Target>& targets) {
    Progress progress(experiment_.name, schedule.slots.size());
    for (const Slot& slot : schedule.slots) {
      const Target& target = targets[slot.target];
      progress.step(fmt::format("{}, {} connections", target.name, slot.connections));
      Run run = planned(slot, target);
      if (records_.has(run)) continue;
      interruption_.check();
      if (experiment_.name == "head-of-line") {
        progress.note(head_of_line(run, target));
      } else {
        load(run, target);
      }
      records_.add(run);
    }
  }

 private:
  // What a run's row will say of its place in the schedule.
  Run planned(const Slot& slot, const Target& target) const {
    Run run;
    run.experiment = experiment_.name;
    run.server = target.name;
    run.connections = slot.connections;
    run.active = experiment_.active.value_or(slot.connections);
    run.message_bytes = message_bytes;
    run.repetition = slot.repetition;
    return run;
  }

  void load(Run& run, const Target& target) {
    const Measured measured = measure(target,
                                      {.connections = run.connections,
                                       .active = run.active,
                                       .message_bytes = message_bytes,
                                       .warm_up = scale_.warm_up,
                                       .duration = scale_.duration},
                                      cores_, interruption_);
    const Run plan = run;
    run = measured.run;
    run.experiment = plan.experiment;
    run.repetition = plan.repetition;
    if (!measured.latency_ns.empty())
      run.samples_file = records_.add_samples(file_name_for(run), measured.latency_ns);
  }

  std::string head_of_line(Run& run, const Target& target) {
    const HeadOfLine result = run_head_of_line(target, cores_, interruption_);
    const Run plan = run;
    run = result.run;
    run.experiment = plan.experiment;
    run.repetition = plan.repetition;
    run.samples_file = records_.add_text(file_name_for(run) + ".csv", result.requests);
    return fmt::format("{}: longest wait {:.1f} ms", run.server, result.longest_wait_ms);
  }

  static constexpr std::size_t message_bytes = 14;
  const Experiment& experiment_;
  const Scale& scale_;
  const Cores& cores_;
  const Interruption& interruption_;
  Records& records_;
};

}  // namespace

int sweep_command(const std::vector<Target>& targets, const SweepOptions& options,
                  const Interruption& interruption) {
  const Build build = measurable_build();
  const Experiment& experiment = find_experiment(options.experiment);
  const Scale& scale = options.profile == "full" ? experiment.full : experiment.quick;
  const auto seed = static_cast<std::uint64_t>(options.seed);
  const Schedule schedule = make_schedule(experiment, scale, targets, seed, raise_descriptor_limit());
  const Cores cores = Cores::choose();
  const std::string environment =
      environment_json(build, facts_of(cores, options.profile, seed, schedule.left_out));
  Records records = options.resume ? Records::resume(options.results, experiment.name, environment)
                                   : Records::start(options.results, experiment.name, environment);
  for (const std::string& reason : schedule.left_out) fmt::print(stderr, "left out: {}\n", reason);
  pin_to_core(*cores.generator);
  try {
    Sweep(experiment, scale, cores, interruption, records).run(schedule, targets);
  } catch (const Interrupted&) {
    throw Interrupted(fmt::format("interrupted: {} of {} runs are kept in {}; --resume goes on from there",
                                  records.size(), schedule.slots.size(), records.folder()));
  }
  fmt::print("{} runs recorded in {}\n", records.size(), records.folder());
  return 0;
}

}  // namespace harness
