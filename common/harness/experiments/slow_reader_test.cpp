#include "common/harness/experiments/slow_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "common/harness/experiments/transfer_record.h"

using harness::read_record;
using harness::read_totals;
using harness::TimelineEvent;
using Lines = std::vector<std::string>;
using Events = std::vector<TimelineEvent>;

namespace {

const std::string header = "time_ns,event,value\n";

Events writer(const std::string& lines) { return read_record("fast-writer", header + lines); }
Events reader(const std::string& lines) { return read_record("slow-reader", header + lines); }

std::string merged(const std::string& writer_lines, const std::string& reader_lines) {
  return timeline_csv(merge_records(writer(writer_lines), reader(reader_lines)));
}

const std::string whole_writer =
    "1000,connected,64\n1200,blocked_begin,640\n1500,blocked_end,640\n1600,blocked_begin,1280\n"
    "1610,blocked_end,1280\n1700,finished,1344\n1800,closed,1344\n";
const std::string whole_reader =
    "1100,connected,64\n1500,siocinq,32\n1500,read,64\n2000,end_of_stream,1344\n";

}  // namespace

TEST_CASE("the scenarios send the same messages, so that only the buffers differ") {
  const auto scenarios = harness::slow_reader_scenarios();
  REQUIRE(scenarios.size() == 3);
  CHECK(scenarios[0].name == "default-buffers");
  for (const auto& scenario : scenarios) CHECK(scenario.message_bytes == scenarios[0].message_bytes);
}

TEST_CASE("the totals stand in the last line") {
  const Lines said{"did 0 units of other work while waiting (0 primes found)",
                   "blocked 2 times, 1.5 ms in all, finished after 2.0 ms",
                   "sent 100 messages, 6400 bytes, checksum 0bad5eed"};
  const auto totals = read_totals(said, "sent");
  CHECK(totals == harness::Totals{.messages = 100, .bytes = 6400, .checksum = "0bad5eed"});
  CHECK(totals.to_string() == "100 messages, 6400 bytes, checksum 0bad5eed");
  CHECK(read_totals({"received 0 messages, 0 bytes, checksum 00000000"}, "received").messages == 0);
}

TEST_CASE("another last line is an error that shows it") {
  for (const std::string line :
       {"", "sent", "received 100 messages, 6400 bytes, checksum 0bad5eed",
        "consent 1 messages, 1 bytes, checksum 0bad5eed", "sent -1 messages, 6400 bytes, checksum 0bad5eed",
        "sent 100 messages, 64x bytes, checksum 0bad5eed", "sent 100 messages, 6400 bytes, checksum 0bad",
        "sent 100 messages, 6400 bytes, checksum 0bad5eed.",
        "sent 99999999999999999999 messages, 6400 bytes, checksum 0bad5eed",
        "sent 100 messages, 6400 bytes"}) {
    CAPTURE(line);
    CHECK_THROWS_WITH(read_totals({"sent 100 messages, 6400 bytes, checksum 0bad5eed", line}, "sent"),
                      ("'" + line + "' is not a line 'sent N messages, B bytes, checksum C'").c_str());
  }
  CHECK_THROWS(read_totals({}, "sent"));
}

TEST_CASE("the units of other work stand in a line of their own") {
  CHECK(harness::units_of_other_work(
            {"blocked 2 times", "did 17 units of other work while waiting", "sent"}) == 17);
  CHECK(harness::units_of_other_work({"blocked 2 times", "did many units of other work"}) == 0);
  CHECK(harness::units_of_other_work({}) == 0);
}

TEST_CASE("a record is a list of events") {
  const Events events = writer("5,connected,64\n5,siocoutq,0\n18446744073,accepted,-1\n");
  REQUIRE(events.size() == 3);
  CHECK(events[1].program == "fast-writer");
  CHECK(events[1].event == "siocoutq");
  CHECK(events[2].time_ns == 18'446'744'073);
  CHECK(events[2].value == -1);
  CHECK(writer("").empty());
}

TEST_CASE("what is no record is named with its line") {
  CHECK_THROWS_WITH(read_record("slow-reader", ""),
                    "the record of slow-reader: line 1: '' is not 'time_ns,event,value'");
  CHECK_THROWS_WITH(read_record("slow-reader", "time,event\n"),
                    "the record of slow-reader: line 1: 'time,event' is not 'time_ns,event,value'");
  for (const std::string line : {"", "7", "7,read", "7,,1", "x,read,1", "7,read,", "7,read,1x", "7,read,1,2",
                                 "7,read,99999999999999999999"}) {
    CAPTURE(line);
    CHECK_THROWS_WITH(
        reader("5,connected,64\n" + line + "\n9,read,2\n"),
        ("the record of slow-reader: line 3: '" + line + "' is not a time, an event and a value").c_str());
  }
  CHECK_THROWS_WITH(reader("5,connected,64\n4,read,1\n"),
                    "the record of slow-reader: line 3: '4,read,1' goes back in time");
}

TEST_CASE(
    "two records become one: in the order of time, from the first event on, the writer first at the same "
    "time") {
  CHECK(merged(whole_writer, whole_reader) ==
        "program,time_ns,event,value\n"
        "fast-writer,0,connected,64\n"
        "slow-reader,100,connected,64\n"
        "fast-writer,200,blocked_begin,640\n"
        "fast-writer,500,blocked_end,640\n"
        "slow-reader,500,siocinq,32\n"
        "slow-reader,500,read,64\n"
        "fast-writer,600,blocked_begin,1280\n"
        "fast-writer,610,blocked_end,1280\n"
        "fast-writer,700,finished,1344\n"
        "fast-writer,800,closed,1344\n"
        "slow-reader,1000,end_of_stream,1344\n");
  CHECK(merged("20,connected,64\n21,finished,0\n21,closed,0\n", "10,connected,64\n30,end_of_stream,0\n")
            .starts_with(
                "program,time_ns,event,value\nslow-reader,0,connected,64\nfast-writer,10,connected,64\n"));
}

TEST_CASE("the waits of the writer, and how far it was ahead") {
  const auto waits = waits_of(merge_records(writer(whole_writer), reader(whole_reader)));
  CHECK(waits.count == 2);
  CHECK(waits.waited_ns == 310);
  CHECK(waits.ahead_ns == 300);
}

TEST_CASE("a record that is not whole is an error") {
  const std::string begin = "1,connected,64\n", end = "8,finished,1\n9,closed,1\n";
  CHECK_THROWS_WITH(merged("", whole_reader), "the record of fast-writer has no 'connected'");
  CHECK_THROWS_WITH(merged(begin + "9,closed,1\n", whole_reader),
                    "the record of fast-writer has no 'finished'");
  CHECK_THROWS_WITH(merged(begin + "8,finished,1\n", whole_reader),
                    "the record of fast-writer has no 'closed'");
  CHECK_THROWS_WITH(merged(whole_writer, ""), "the record of slow-reader has no 'connected'");
  CHECK_THROWS_WITH(merged(whole_writer, begin), "the record of slow-reader has no 'end_of_stream'");
  CHECK_THROWS_WITH(merged(begin + "2,blocked_begin,1\n" + end, whole_reader),
                    "the record of fast-writer has a wait without an end");
  CHECK_THROWS_WITH(merged(begin + "2,blocked_begin,1\n3,blocked_begin,1\n" + end, whole_reader),
                    "the record of fast-writer has two 'blocked_begin' in a row");
  CHECK_THROWS_WITH(merged(begin + "2,blocked_end,1\n" + end, whole_reader),
                    "the record of fast-writer has two 'blocked_end' in a row");
}
