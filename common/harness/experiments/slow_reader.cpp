#include "common/harness/experiments/slow_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>

#include "common/harness/experiments/transfer_record.h"
#include "common/harness/processes/memory_file.h"
#include "common/harness/processes/program.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

// Generous: a message takes some 0.16 ms, nearly all of it the reader's sleep.
constexpr auto patience = 10s;
constexpr auto patience_a_message = 5ms;

// Small enough for many bursts, large enough that each can be seen among samples of 5 ms.
constexpr std::size_t set_buffer_bytes = 131'072;

// A scenario, and the options of the two programs that make it.
struct Setting {
  Scenario scenario;
  std::vector<std::string> reader_options = {};
  std::vector<std::string> writer_options = {};
};

const std::vector<Setting>& settings() {
  static const std::string bytes = std::to_string(set_buffer_bytes);
  static const std::vector<Setting> all{
      {.scenario = {.name = "default-buffers", .message_bytes = 512}},
      {.scenario = {.name = "set-buffers", .message_bytes = 512},
       .reader_options = {"--rcvbuf", bytes},
       .writer_options = {"--sndbuf", bytes}},
      {.scenario = {.name = "writable-events", .message_bytes = 512},
       .reader_options = {"--rcvbuf", bytes},
       .writer_options = {"--sndbuf", bytes, "--wait", "epoll"}},
  };
  return all;
}

const Setting& setting_of(const Subject& scenario) {
  const auto found = std::find_if(settings().begin(), settings().end(), [&](const Setting& setting) {
    return setting.scenario.name == scenario.name;
  });
  if (found == settings().end()) throw std::logic_error("no scenario " + scenario.name);
  return *found;
}

// Why a program has not succeeded; nothing if it has.
std::optional<std::string> failure_of(Program& program, std::chrono::milliseconds timeout) {
  try {
    program.wait_for_success(timeout);
    return std::nullopt;
  } catch (const Interrupted&) {
    throw;
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

// When one of them dies the other one fails too: both are named, since the first to complain need not be the
// cause.
void wait_for_both(Program& writer, Program& reader, std::chrono::milliseconds timeout) {
  const auto writer_failure = failure_of(writer, timeout);
  const auto reader_failure = failure_of(reader, writer_failure ? 1s : timeout);
  if (writer_failure && reader_failure)
    throw std::runtime_error(fmt::format("{}; {}", *reader_failure, *writer_failure));
  if (writer_failure || reader_failure)
    throw std::runtime_error(writer_failure ? *writer_failure : *reader_failure);
}

struct Transfer {
  Totals totals;
  std::uint64_t other_work = 0;
  std::vector<TimelineEvent> events;
};

void append(std::vector<std::string>& words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
}

// The pair's work, each on a core of its own where there are two.
Transfer run_pair(const Setting& setting, std::size_t messages, const Conditions& conditions) {
  const std::string size = std::to_string(setting.scenario.message_bytes);
  const MemoryFile reader_record("reader-record");
  const MemoryFile writer_record("writer-record");
  std::vector<std::string> words{program_folder() + "/slow-reader",
                                 "--port",
                                 "0",
                                 "--size",
                                 size,
                                 "--sleep-us",
                                 "100",
                                 "--record",
                                 reader_record.path()};
  append(words, setting.reader_options);
  Program reader(words, {*conditions.cores.server}, conditions.interruption);
  const net::Address address = reader.wait_until_listening();

  words = {program_folder() + "/fast-writer",
           "--port",
           std::to_string(address.port()),
           "--messages",
           std::to_string(messages),
           "--size",
           size,
           "--record",
           writer_record.path()};
  append(words, setting.writer_options);
  Program writer(words, {*conditions.cores.generator}, conditions.interruption);
  wait_for_both(writer, reader, patience + messages * patience_a_message);

  const auto said = writer.stdout_lines();
  const Totals sent = read_totals(said, "sent");
  const Totals received = read_totals(reader.stdout_lines(), "received");
  if (sent != received || sent.messages != messages) {
    throw std::runtime_error(fmt::format("of {} messages the writer sent {}; the reader received {}",
                                         messages, sent.to_string(), received.to_string()));
  }
  return {.totals = sent,
          .other_work = units_of_other_work(said),
          .events = merge_records(read_record("fast-writer", writer_record.contents()),
                                  read_record("slow-reader", reader_record.contents()))};
}

}  // namespace

std::vector<Scenario> slow_reader_scenarios() {
  std::vector<Scenario> scenarios;
  for (const Setting& setting : settings()) scenarios.push_back(setting.scenario);
  return scenarios;
}

Outcome conduct_slow_reader(const Run& plan, const Subject& scenario, const Conditions& conditions) {
  Outcome outcome{.run = plan};
  try {
    Transfer transfer = run_pair(setting_of(scenario), conditions.scale.rounds, conditions);
    const std::int64_t end_ns = transfer.events.back().time_ns;
    transfer.events.push_back({.program = "fast-writer",
                               .time_ns = end_ns,
                               .event = "other_work",
                               .value = static_cast<std::int64_t>(transfer.other_work)});
    const Waits waits = waits_of(transfer.events);
    outcome.events = timeline_csv(transfer.events);
    outcome.run.requests = transfer.totals.messages;
    outcome.run.duration_s = static_cast<double>(end_ns) / 1e9;
    outcome.note = fmt::format(
        "{}: the writer waited {} times, {:.0f} ms in all, and finished {:.2f} s before the reader",
        scenario.name, waits.count, static_cast<double>(waits.waited_ns) / 1e6,
        static_cast<double>(waits.ahead_ns) / 1e9);
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("slow-reader, {}: {}", scenario.name, error.what()));
  }
  return outcome;
}

}  // namespace harness
