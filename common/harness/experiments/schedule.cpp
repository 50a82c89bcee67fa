#include "common/harness/experiments/schedule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <random>

#include "common/harness/measuring/shuffle.h"

namespace harness {

namespace {

// What a server's expected *no* keeps it from; a foreign server is let in everywhere, and so is a scenario.
bool has(const Subject& subject, const std::string& behaviour) {
  if (!subject.server || !subject.server->known) return true;
  const auto& expected = subject.server->known->expected;
  const auto cell = expected.find(behaviour);
  return cell == expected.end() || cell->second;
}

// Why a server can't take part at all; empty if it can.
std::string lacks(const Experiment& experiment, const Scale& scale, const Subject& subject) {
  const bool costs = std::any_of(scale.costs.begin(), scale.costs.end(), [](const RequestCost& cost) {
    return cost.work_us > 0 || cost.wait_us > 0;
  });
  if (costs && subject.server && !subject.server->known)
    return fmt::format("{}: not of the labs, so it has no options --work-us and --wait-us", subject.name);
  for (const std::string& behaviour : experiment.needs) {
    if (!has(subject, behaviour)) return fmt::format("{}: by its nature not '{}'", subject.name, behaviour);
  }
  return "";
}

// What is measured with so many connections.
std::vector<Slot> points_at(std::size_t connections, const Scale& scale) {
  std::vector<Slot> points;
  for (const RequestCost& cost : scale.costs) {
    for (const std::optional<int>& percent : scale.capacity_percents)
      points.push_back(
          {.connections = connections, .cost = cost, .capacity_percent = percent, .repetition = 1});
  }
  return points;
}

constexpr std::size_t reserved_descriptors = 50;  // what harness and server need besides the connections

// Why a server can't have so many connections; empty if it can.
std::string exceeds(const Subject& subject, std::size_t connections, std::uint64_t descriptor_limit) {
  if (connections + reserved_descriptors > descriptor_limit) {
    return fmt::format("{} at {} connections: the limit of descriptors is {} (ulimit -n)", subject.name,
                       connections, descriptor_limit);
  }
  if (connections > 1000 && !has(subject, "more-than-1024"))
    return fmt::format("{} at {} connections: by its nature not 'more-than-1024'", subject.name, connections);
  return "";
}

bool is_asked(const LongPoint& point, const Subject& subject) {
  return point.connections > 0 && std::ranges::find(point.subjects, subject.name) != point.subjects.end();
}

}  // namespace

Schedule make_schedule(const Experiment& experiment, const Scale& scale, const std::vector<Subject>& subjects,
                       std::uint64_t seed, std::uint64_t descriptor_limit) {
  Schedule schedule;
  std::vector<Slot> points;
  std::vector<Slot> long_points;
  for (std::size_t s = 0; s < subjects.size(); ++s) {
    if (const std::string reason = lacks(experiment, scale, subjects[s]); !reason.empty()) {
      schedule.left_out.push_back(reason);
      continue;
    }
    const auto plan = [&](std::vector<Slot>& slots, std::size_t connections) {
      if (std::string reason = exceeds(subjects[s], connections, descriptor_limit); !reason.empty())
        return schedule.left_out.push_back(std::move(reason));
      for (const Slot& point : points_at(connections, scale)) {
        slots.push_back(point);
        slots.back().subject = s;
      }
    };
    for (const std::size_t connections : scale.connections) plan(points, connections);
    if (is_asked(scale.long_point, subjects[s])) plan(long_points, scale.long_point.connections);
  }
  const bool all_asked = std::ranges::all_of(
      subjects, [&scale](const Subject& subject) { return is_asked(scale.long_point, subject); });
  if (scale.long_point.connections > 0 && !all_asked) {
    schedule.left_out.push_back(
        fmt::format("all but {} at {} connections: in this profile it would take too long",
                    fmt::join(scale.long_point.subjects, " and "), scale.long_point.connections));
  }
  std::mt19937_64 random(seed);
  for (int repetition = 1; repetition <= scale.repetitions; ++repetition) {
    shuffle(points, random);
    for (Slot slot : points) {
      slot.repetition = repetition;
      schedule.slots.push_back(slot);
    }
  }
  schedule.slots.insert(schedule.slots.end(), long_points.begin(), long_points.end());
  return schedule;
}

}  // namespace harness
