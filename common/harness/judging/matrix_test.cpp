#include "common/harness/judging/matrix.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using harness::Answer;
using harness::Behaviour;
using harness::Row;

namespace {

const Behaviour first{.name = "first", .question = "?", .check = nullptr};
const Behaviour second{.name = "the-second", .question = "?", .check = nullptr};

Row row(const std::string& server, Answer one, Answer two) {
  return {.target = {.name = server, .command = {}, .running_at = std::nullopt, .known = std::nullopt},
          .asked = {&first, &second},
          .findings = {{.answer = one, .evidence = "seen"},
                       {.answer = two, .evidence = "seen", .often_the_cause = "a guess"}}};
}

}  // namespace

TEST_CASE("matrix: a foreign server is expected to do all, and n/a is never unexpected") {
  CHECK(harness::count_unexpected({row("a", Answer::yes, Answer::not_applicable)}) == 0);
  CHECK(harness::count_unexpected({row("a", Answer::no, Answer::no), row("b", Answer::no, Answer::yes)}) ==
        3);
}

TEST_CASE("matrix: what is expected of one of ours stands in its row") {
  Row ours = row("ours", Answer::no, Answer::yes);
  ours.target.known = harness::KnownServer{};
  ours.target.known->expected = {{"first", false}, {"the-second", false}};
  CHECK(harness::is_expected(ours.target, first, ours.findings[0]));
  CHECK_FALSE(harness::is_expected(ours.target, second, ours.findings[1]));
}

TEST_CASE("matrix: the table goes on below when it is too wide") {
  const std::vector<Row> rows{row("one", Answer::yes, Answer::no), row("another", Answer::yes, Answer::yes)};
  const std::string wide = "            one  another\nfirst       yes  yes    \nthe-second  no!  yes    \n";
  CHECK(harness::matrix_table(rows, false, 80) == wide);
  const std::string narrow =
      "            one\nfirst       yes\nthe-second  no!\n\n"
      "            another\nfirst       yes    \nthe-second  yes    \n";
  CHECK(harness::matrix_table(rows, false, 20) == narrow);
}

TEST_CASE("matrix: the evidence, and the guess below it") {
  const std::string evidence = harness::matrix_evidence({row("one", Answer::yes, Answer::no)});
  CHECK(evidence.find("  no   the-second                  seen\n") != std::string::npos);
  CHECK(evidence.find("often the cause: a guess\n") != std::string::npos);
}
