#include "common/net/pending_bytes.h"

#include <doctest/doctest.h>

#include <random>
#include <stdexcept>
#include <string>

using net::PendingBytes;

namespace {

std::string text_of(const PendingBytes& pending) { return {pending.bytes().begin(), pending.bytes().end()}; }

}  // namespace

TEST_CASE("nothing waits at first") {
  const PendingBytes pending;
  CHECK(pending.empty());
  CHECK(pending.bytes().empty());
}

TEST_CASE("bytes leave in the order in which they came") {
  PendingBytes pending;
  pending.append(std::string("abc"));
  pending.append(std::string("def"));
  CHECK(text_of(pending) == "abcdef");
  pending.consume(2);
  CHECK(text_of(pending) == "cdef");
  pending.append(std::string("gh"));
  CHECK(text_of(pending) == "cdefgh");
  pending.consume(5);
  CHECK(text_of(pending) == "h");
  CHECK_FALSE(pending.empty());
}

TEST_CASE("the memory goes with the last byte") {
  PendingBytes pending;
  pending.append(std::string(100'000, 'x'));
  pending.consume(99'999);
  CHECK_FALSE(pending.empty());
  pending.consume(1);
  CHECK(pending.empty());
  CHECK(pending.bytes().data() == nullptr);
}

TEST_CASE("a queue that is never empty doesn't grow by what has left it") {
  PendingBytes pending;
  pending.append(std::string(10'000, 'x'));
  const char* const begin = pending.bytes().data();
  const std::string more(6'000, 'y');
  for (int i = 0; i < 1'000; ++i) {
    pending.consume(6'000);
    pending.append(more);
    REQUIRE(pending.bytes().size() == 10'000);
    REQUIRE(pending.bytes().data() == begin);  // what was sent has made room for what has come
  }
}

TEST_CASE("an emptied queue serves again from its start") {
  PendingBytes pending;
  pending.append(std::string("first"));
  pending.consume(5);
  pending.append(std::string("second"));
  CHECK(text_of(pending) == "second");
}

TEST_CASE("nothing appended and nothing consumed change nothing") {
  PendingBytes pending;
  pending.append({});
  CHECK(pending.empty());
  pending.consume(0);
  CHECK(pending.empty());
  pending.append(std::string("a"));
  pending.consume(0);
  CHECK(text_of(pending) == "a");
}

TEST_CASE("consuming more than there is throws and takes nothing") {
  PendingBytes pending;
  CHECK_THROWS_AS(pending.consume(1), std::out_of_range);
  pending.append(std::string("abc"));
  pending.consume(1);
  CHECK_THROWS_AS(pending.consume(3), std::out_of_range);
  CHECK(text_of(pending) == "bc");
}

TEST_CASE("bytes of every value survive any sequence of appends and consumes") {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same every time
  PendingBytes pending;
  std::string model;
  for (int step = 0; step < 5000; ++step) {
    if (random() % 2 == 0) {
      std::string more(random() % 50, '\0');
      for (char& c : more) c = static_cast<char>(random() % 256);
      pending.append(more);
      model += more;
    } else {
      const std::size_t count = random() % (model.size() + 1);
      pending.consume(count);
      model.erase(0, count);
    }
    REQUIRE(pending.empty() == model.empty());
    REQUIRE(text_of(pending) == model);
  }
}
