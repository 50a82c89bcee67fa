#pragma once

#include <stdexcept>
#include <string>

namespace harness {

enum class Answer { yes, no, not_applicable };

/// "yes", "no", "n/a".
std::string word(Answer answer);

/// The answer to one question about one server.
struct Finding {
  Answer answer = Answer::not_applicable;
  /// What was done, what was expected and what came: "8 of 8 replies, longest wait 0.3 ms".
  std::string evidence = {};
  /// Where the picture is typical: what it often comes from, and the lab that teaches it. A guess.
  std::string often_the_cause = {};
  /// Nobody was there to be asked: the server did not start for this question.
  bool no_server = false;
};

/// Ends a check at once with its finding: thrown from wherever in it the answer becomes certain.
class Decided : public std::runtime_error {
 public:
  explicit Decided(Finding finding) : std::runtime_error(finding.evidence), finding_(std::move(finding)) {}
  const Finding& finding() const { return finding_; }

 private:
  Finding finding_;
};

inline Finding yes(std::string evidence) { return {.answer = Answer::yes, .evidence = std::move(evidence)}; }

[[noreturn]] inline void say_no(std::string evidence, std::string often_the_cause = {}) {
  throw Decided({Answer::no, std::move(evidence), std::move(often_the_cause)});
}

/// What the question needs is missing: on the judge's side (descriptors, ports), or by what the server is.
[[noreturn]] inline void say_not_applicable(std::string reason) {
  throw Decided({Answer::not_applicable, std::move(reason), {}});
}

}  // namespace harness
