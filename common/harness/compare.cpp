#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "common/harness/commands.h"
#include "common/harness/comparing/report.h"
#include "common/harness/comparing/round_order.h"
#include "common/harness/comparing/rounds.h"
#include "common/harness/contenders.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/measuring/percentile.h"
#include "common/harness/progress.h"
#include "common/net/server.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

// A latency run is long enough for its p99, as far as 2 s go.
LoadPoint point_of(const CompareOptions& options) {
  const auto connections = static_cast<std::size_t>(options.connections);
  LoadPoint point{.connections = connections,
                  .active = parse_active(options.active, connections),
                  .message_bytes = static_cast<std::size_t>(options.message_bytes),
                  .warm_up = 100ms,
                  .duration = 400ms};
  point.rate = parse_rate(options.rate, options.arrivals);
  if (point.rate) {
    const auto enough = point.rate->interval() * 2 * samples_needed(99);
    point.duration = std::clamp<std::chrono::nanoseconds>(enough, 400ms, 2s);
  }
  return point;
}

// As far as it can be known: what opening costs depends on the server.
double estimated_seconds(const LoadPoint& point, std::size_t contenders, std::size_t rounds) {
  const double opening = 0.05 + static_cast<double>(point.connections) / 15'000;
  const std::chrono::duration<double> speaking =
      turns_length + turns_warm_up + point.duration + point.warm_up;
  return static_cast<double>(rounds * contenders) * (2 * opening + speaking.count());
}

std::string plan_in_words(std::size_t contenders, const LoadPoint& point, const CompareOptions& options) {
  const auto rounds = static_cast<std::size_t>(options.rounds);
  return fmt::format("{} {} of {} servers; about {:.0f} s, at most {} s", rounds,
                     rounds == 1 ? "round" : "rounds", contenders,
                     std::min(options.at_most_s, estimated_seconds(point, contenders, rounds)),
                     options.at_most_s);
}

// Conducts rounds until all are done, or the time is over, or the user has had enough.
class Comparison {
 public:
  Comparison(const std::vector<Target>& contenders, const LoadPoint& point, const CompareOptions& options,
             const Cores& cores, Records& records, const Interruption& interruption)
      : options_(options),
        orders_(order_of_rounds(contenders.size(), static_cast<std::size_t>(options.rounds),
                                static_cast<std::uint64_t>(options.seed))),
        records_(records),
        rounds_(contenders, point, orders_.size(), cores, interruption,
                {.announce = [this](const std::string& what) { progress_.step(what); },
                 .record = [this, open = point.rate.has_value()](
                               Measured& measured,
                               std::size_t contender) { record(measured, contender, open); }}),
        progress_("compare", rounds_.steps() * orders_.size()) {}

  void conduct() {
    const auto begin = Clock::now();
    Clock::duration longest{0};
    for (const auto& order : orders_) {
      const auto now = Clock::now();
      if (now - begin + longest > std::chrono::duration<double>(options_.at_most_s)) {
        progress_.note(fmt::format("the time is over: {} of {} rounds", done_, orders_.size()));
        break;
      }
      rounds_.conduct(done_, order);
      ++done_;
      longest = std::max(longest, Clock::now() - now);
    }
    progress_.finish();
  }

  std::size_t done() const { return done_; }
  std::size_t planned() const { return orders_.size(); }
  const Tallies& tallies() const { return rounds_.tallies(); }

 private:
  // The samples first: a row on disk names files that are there. Of two commands' names a file's may be the
  // same ("server --x=1", "server --x 1"): the contender's number tells them apart.
  void record(Measured& measured, std::size_t contender, bool open_loop) {
    Run& run = measured.run;
    if (run.experiment == latency_experiment) {
      const std::string name = fmt::format("{}-{}", contender + 1, file_name_for(run));
      run.samples_file = open_loop ? records_.add_text(name + ".csv", measured.requests)
                                   : records_.add_samples(name, measured.latency_ns);
    }
    records_.add(run);
  }

  const CompareOptions& options_;
  std::vector<std::vector<std::size_t>> orders_;
  Records& records_;
  Rounds rounds_;
  Progress progress_;
  std::size_t done_ = 0;
};

std::string json_of(const std::vector<Target>& contenders, const LoadPoint& point,
                    const CompareOptions& options, const Comparison& comparison) {
  Compared compared;
  std::vector<JsonObject> servers;
  for (const Target& target : contenders) {
    compared.names.push_back(target.name);
    JsonObject server;
    server.text("name", target.name);
    server.texts("command", target.command);
    servers.push_back(std::move(server));
  }
  JsonObject json;
  json.objects("servers", servers);
  json.number("connections", options.connections);
  json.number("active", static_cast<std::int64_t>(point.active));
  json.number("message_bytes", options.message_bytes);
  json.text("loop", point.rate ? "open" : "closed");
  if (point.rate) json.decimal("rate_per_s", point.rate->per_s);
  json.number("seed", options.seed);
  json.number("rounds", static_cast<std::int64_t>(comparison.done()));
  json.number("rounds_planned", static_cast<std::int64_t>(comparison.planned()));
  json.objects("ratios", comparison_json(compared, comparison.tallies()));
  return json.dump();
}

// What has been measured so far, kept beside its rows as well.
void tell(const std::vector<Target>& contenders, const LoadPoint& point, const CompareOptions& options,
          const Comparison& comparison, const Records& records) {
  const std::string json = json_of(contenders, point, options, comparison);
  write_atomically(records.folder() + "/ratios.json", json);
  if (options.json) {
    fmt::print("{}", json);
    return;
  }
  Compared compared;
  for (const Target& target : contenders) compared.names.push_back(target.name);
  fmt::print("{}recorded in {}\n", comparison_text(compared, comparison.tallies()), records.folder());
}

}  // namespace

int compare_command(const Choice& choice, const std::vector<KnownServer>& known,
                    const CompareOptions& options, const Interruption& interruption) {
  const std::vector<Target> targets = choose_contenders(choice, known);
  const LoadPoint point = point_of(options);
  const Build build = measurable_build();
  const Selection selection = select_runnable(targets, interruption);
  if (selection.targets.empty() || (!selection.left_out.empty() && selection.targets.size() < 2))
    return net::cannot_run_here;
  const std::vector<Target> contenders = with_base_again(selection.targets);
  require_able(selection.targets, point);
  require_descriptors(point.connections, contenders.size());
  // Before the records begin: those of an earlier comparison are set aside then.
  if (!all_can_be_measured(selection.targets, interruption)) return 2;
  const Cores cores = Cores::choose();
  Records records = Records::start(
      options.results, "compare",
      environment_json(build, facts_of(cores, "compare", static_cast<std::uint64_t>(options.seed), {})));
  net::say("compare", plan_in_words(contenders.size(), point, options));
  pin_to_core(*cores.generator);
  Comparison comparison(contenders, point, options, cores, records, interruption);
  const auto kept = [&] {
    tell(contenders, point, options, comparison, records);
    return fmt::format("{} of {} rounds are kept in {}", comparison.done(), comparison.planned(),
                       records.folder());
  };
  try {
    comparison.conduct();
  } catch (const Interrupted&) {
    throw Interrupted("interrupted: " + kept());
  } catch (const ServerError& error) {
    throw ServerError(fmt::format("{}; {}", error.what(), kept()));
  }
  tell(contenders, point, options, comparison, records);
  return exit_code(0, choice, selection);
}

}  // namespace harness
