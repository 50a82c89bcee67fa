#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace harness {

/// What a program says it has transferred.
struct Totals {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::string checksum;  ///< CRC-32, eight hexadecimal digits

  bool operator==(const Totals&) const = default;
  std::string to_string() const;
};

/// From the last line, `VERB 100 messages, 6400 bytes, checksum 0bad5eed`. Throws std::runtime_error for any
/// other.
Totals read_totals(const std::vector<std::string>& lines, const std::string& verb);

/// The number of units in the line `did 17 units of other work …`; 0 where there is none.
std::uint64_t units_of_other_work(const std::vector<std::string>& lines);

/// A line of a record (common/timeline/record.h says what the events mean).
struct TimelineEvent {
  std::string program;
  std::int64_t time_ns = 0;  ///< of CLOCK_MONOTONIC
  std::string event = {};
  std::int64_t value = 0;
};

/// The events of a record, CSV `time_ns,event,value`. Throws std::runtime_error, with the number of the line,
/// for what is none, and for a time that goes back.
std::vector<TimelineEvent> read_record(const std::string& program, const std::string& csv);

/// Both records in one, in the order of time. Times count from the first event of all. Throws
/// std::runtime_error when one of them is not whole: without its begin (`connected`) or its end (`finished`
/// and `closed`, `end_of_stream`), or with a wait that never ends.
std::vector<TimelineEvent> merge_records(const std::vector<TimelineEvent>& writer,
                                         const std::vector<TimelineEvent>& reader);

/// CSV `program,time_ns,event,value`.
std::string timeline_csv(const std::vector<TimelineEvent>& events);

/// What a timeline says about the writer.
struct Waits {
  std::size_t count = 0;
  std::int64_t waited_ns = 0;
  std::int64_t ahead_ns = 0;  ///< from the writer's last send to the reader's end of stream
};
Waits waits_of(const std::vector<TimelineEvent>& events);

}  // namespace harness
