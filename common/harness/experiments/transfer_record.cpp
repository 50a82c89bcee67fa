#include "common/harness/experiments/transfer_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace harness {

namespace {

// The whole of `text` as a number.
template <typename Number>
bool parse(std::string_view text, Number& number) {
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && after == text.data() + text.size();
}

// Takes the part up to `mark`, which has to be there, off the front of `text`.
bool take_until(std::string_view& text, std::string_view mark, std::string_view& part) {
  const std::size_t place = text.find(mark);
  if (place == std::string_view::npos) return false;
  part = text.substr(0, place);
  text.remove_prefix(place + mark.size());
  return true;
}

bool is_event(const TimelineEvent& event, std::string_view name) { return event.event == name; }

void check_whole(const std::vector<TimelineEvent>& record, const char* program,
                 const std::vector<const char*>& needed) {
  const auto has = [&](std::string_view name) {
    return std::any_of(record.begin(), record.end(),
                       [name](const auto& event) { return is_event(event, name); });
  };
  for (const char* name : needed) {
    if (!has(name)) throw std::runtime_error(fmt::format("the record of {} has no '{}'", program, name));
  }
  bool waiting = false;
  for (const TimelineEvent& event : record) {
    const bool begins = is_event(event, "blocked_begin");
    if (!begins && !is_event(event, "blocked_end")) continue;
    if (begins == waiting)
      throw std::runtime_error(fmt::format("the record of {} has two '{}' in a row", program, event.event));
    waiting = begins;
  }
  if (waiting) throw std::runtime_error(fmt::format("the record of {} has a wait without an end", program));
}

}  // namespace

std::string Totals::to_string() const {
  return fmt::format("{} messages, {} bytes, checksum {}", messages, bytes, checksum);
}

Totals read_totals(const std::vector<std::string>& lines, const std::string& verb) {
  const std::string line = lines.empty() ? "" : lines.back();
  std::string_view rest = line, before, messages, bytes;
  Totals totals;
  if (take_until(rest, verb + " ", before) && before.empty() && take_until(rest, " messages, ", messages) &&
      take_until(rest, " bytes, checksum ", bytes) && parse(messages, totals.messages) &&
      parse(bytes, totals.bytes) && rest.size() == 8) {
    totals.checksum = rest;
    return totals;
  }
  throw std::runtime_error(
      fmt::format("'{}' is not a line '{} N messages, B bytes, checksum C'", line, verb));
}

std::uint64_t units_of_other_work(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    std::string_view rest = line, before, units;
    std::uint64_t number = 0;
    if (take_until(rest, "did ", before) && before.empty() &&
        take_until(rest, " units of other work", units) && parse(units, number)) {
      return number;
    }
  }
  return 0;
}

std::vector<TimelineEvent> read_record(const std::string& program, const std::string& csv) {
  std::vector<TimelineEvent> events;
  std::istringstream lines(csv);
  std::size_t number = 1;
  std::string line;
  const auto fail = [&](const char* reason) {
    throw std::runtime_error(
        fmt::format("the record of {}: line {}: '{}' {}", program, number, line, reason));
  };
  if (!std::getline(lines, line) || line != "time_ns,event,value") fail("is not 'time_ns,event,value'");
  while (++number, std::getline(lines, line)) {
    TimelineEvent event{.program = program};
    std::string_view rest = line, time, name;
    if (!take_until(rest, ",", time) || !take_until(rest, ",", name) || name.empty() ||
        !parse(time, event.time_ns) || !parse(rest, event.value)) {
      fail("is not a time, an event and a value");
    }
    event.event = name;
    if (!events.empty() && event.time_ns < events.back().time_ns) fail("goes back in time");
    events.push_back(event);
  }
  return events;
}

std::vector<TimelineEvent> merge_records(const std::vector<TimelineEvent>& writer,
                                         const std::vector<TimelineEvent>& reader) {
  check_whole(writer, "fast-writer", {"connected", "finished", "closed"});
  check_whole(reader, "slow-reader", {"connected", "end_of_stream"});
  std::vector<TimelineEvent> events;
  std::merge(writer.begin(), writer.end(), reader.begin(), reader.end(), std::back_inserter(events),
             [](const auto& one, const auto& other) { return one.time_ns < other.time_ns; });
  const std::int64_t begin = events.front().time_ns;
  for (TimelineEvent& event : events) event.time_ns -= begin;
  return events;
}

std::string timeline_csv(const std::vector<TimelineEvent>& events) {
  std::string csv = "program,time_ns,event,value\n";
  for (const auto& [program, time_ns, event, value] : events)
    csv += fmt::format("{},{},{},{}\n", program, time_ns, event, value);
  return csv;
}

Waits waits_of(const std::vector<TimelineEvent>& events) {
  Waits waits;
  for (const TimelineEvent& event : events) {
    if (is_event(event, "blocked_begin")) {
      ++waits.count;
      waits.waited_ns -= event.time_ns;
    }
    if (is_event(event, "blocked_end")) waits.waited_ns += event.time_ns;
    if (is_event(event, "finished")) waits.ahead_ns -= event.time_ns;
    if (is_event(event, "end_of_stream")) waits.ahead_ns += event.time_ns;
  }
  return waits;
}

}  // namespace harness
