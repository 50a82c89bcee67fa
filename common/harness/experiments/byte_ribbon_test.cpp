#include "common/harness/experiments/byte_ribbon.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using harness::byte_counts;
using harness::Exchange;
using harness::ribbon_csv;
using harness::Stream;
using Counts = std::vector<std::size_t>;

namespace {

constexpr Stream sticky{.messages = 2, .message_bytes = 14};
constexpr Stream framed{.messages = 2, .message_bytes = 3, .header_bytes = 4};

Exchange exchange(const Counts& sends, const Counts& reads) {
  return {.sends = sends, .reads = reads, .encoded = {}, .decoded = {}};
}

Exchange framed_exchange(const std::vector<std::string>& encoded, const std::vector<std::string>& decoded) {
  return {.sends = {7, 7}, .reads = {5, 9}, .encoded = encoded, .decoded = decoded};
}

}  // namespace

TEST_CASE("the bytes of calls stand in the lines that begin with the prefix") {
  const std::vector<std::string> said{"listening on 127.0.0.1:9",
                                      "sent 14 bytes: Hello, server!",
                                      "sent 3 bytes",
                                      "consent 5 bytes",
                                      "sentence 7 bytes",
                                      "sent 0 bytes: "};
  CHECK(byte_counts(said, "sent") == Counts{14, 3, 0});
  CHECK(byte_counts({"framed-client: sent 18 bytes"}, "framed-client: sent") == Counts{18});
  CHECK(byte_counts({"framed-client: sent 18 bytes"}, "sent").empty());
  CHECK(byte_counts({}, "sent").empty());
}

TEST_CASE("a line that begins with the prefix and goes on otherwise is no count") {
  for (const std::string line :
       {"sent bytes", "sent -1 bytes", "sent 14", "sent 14 messages", "sent 14 bytesize", "sent  14 bytes",
        "sent 99999999999999999999 bytes", "sent 14 bytes:"}) {
    CAPTURE(line);
    CHECK_THROWS_WITH(byte_counts({line}, "sent"), ("'" + line + "' is not a line 'sent N bytes'").c_str());
  }
}

TEST_CASE("a ribbon without headers: the messages, the sends, the reads, each with its first byte") {
  CHECK(ribbon_csv(sticky, exchange({14, 14}, {28})) ==
        "kind,first_byte,bytes,message\n"
        "message,0,14,1\nmessage,14,14,2\n"
        "sent,0,14,\nsent,14,14,\n"
        "read,0,28,\n");
  CHECK(ribbon_csv(sticky, exchange({10, 4, 14}, {1, 27}))
            .ends_with("sent,0,10,\nsent,10,4,\nsent,14,14,\nread,0,1,\nread,1,27,\n"));
}

TEST_CASE("a framed ribbon: headers before the messages, and what was decoded") {
  const std::vector<std::string> messages{"message 1: one", "message 2: two"};
  CHECK(ribbon_csv(framed, framed_exchange(messages, messages)) ==
        "kind,first_byte,bytes,message\n"
        "header,0,4,1\nmessage,4,3,1\nheader,7,4,2\nmessage,11,3,2\n"
        "sent,0,7,\nsent,7,7,\n"
        "read,0,5,\nread,5,9,\n"
        "decoded,4,3,1\ndecoded,11,3,2\n");
}

TEST_CASE("bytes that don't add up are an error") {
  CHECK_THROWS_WITH(ribbon_csv(sticky, exchange({14}, {28})), "the client sent 14 bytes in all, not 28");
  CHECK_THROWS_WITH(ribbon_csv(sticky, exchange({14, 15}, {28})), "the client sent 29 bytes in all, not 28");
  CHECK_THROWS_WITH(ribbon_csv(sticky, exchange({14, 14}, {14})), "the server read 14 bytes in all, not 28");
  CHECK_THROWS_WITH(ribbon_csv(sticky, exchange({14, 14}, {})), "the server read 0 bytes in all, not 28");
}

TEST_CASE("other messages than those that went in are an error") {
  const std::vector<std::string> right{"message 1: one", "message 2: two"};
  const auto complaint = [&](const std::vector<std::string>& encoded,
                             const std::vector<std::string>& decoded) {
    try {
      ribbon_csv(framed, framed_exchange(encoded, decoded));
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  CHECK(complaint(right, right) == "none");
  CHECK(complaint(right, {"message 1: one"}) == "the server decoded 1 messages, not 2");
  CHECK(complaint(right, {"message 1: one", "message 2: two", "message 3: six"}) ==
        "the server decoded 3 messages, not 2");
  const std::string not_sent = ", which is not what the client sent";
  CHECK(complaint(right, {"message 1: two", "message 2: one"}) ==
        "the server decoded 'message 1: two'" + not_sent);
  CHECK(complaint({"message 1: one"}, right) == "the server decoded 'message 2: two'" + not_sent);
  const std::vector<std::string> misnumbered{"message 1: one", "message 1: two"};
  CHECK(complaint(misnumbered, misnumbered) == "the server decoded 'message 1: two'" + not_sent);
  const std::vector<std::string> too_long{"message 1: one", "message 2: three"};
  CHECK(complaint(too_long, too_long) == "the server decoded 'message 2: three'" + not_sent);
}
