#include "common/testing/conversation.h"

#include <fmt/format.h>

#include <chrono>
#include <deque>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "common/net/printable.h"
#include "common/testing/listener.h"

namespace testing {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t shown_steps = 40;
constexpr std::size_t shown_bytes = 32;
constexpr std::size_t shown_lines = 10;

struct Step {
  double at_s = 0;
  std::string who;
  std::string verb;
  std::string first_bytes;  // of the last time, when it moved bytes
  std::size_t bytes = 0;    // of all times
  std::size_t times = 1;

  std::string line() const {
    std::string text = fmt::format("{:8.3f} s  {}: {}{}", at_s, who, verb, first_bytes);
    if (times > 1) text += fmt::format(" ({} times", times);
    if (times > 1 && bytes > 0) text += fmt::format(", {} bytes in all", bytes);
    return times > 1 ? text + ")" : text;
  }
};

class Conversation {
 public:
  // The next test case begins.
  void begin() {
    const std::scoped_lock lock(mutex_);
    begun_ = Clock::now();
    steps_.clear();
    left_out_ = 0;
    words_.clear();
    counts_.clear();
    failure_.reset();
  }

  void add(Step step) {
    const std::scoped_lock lock(mutex_);
    if (failure_) return;  // what follows a failure didn't lead to it
    step.at_s = std::chrono::duration<double>(Clock::now() - begun_).count();
    if (!steps_.empty() && steps_.back().who == step.who && steps_.back().verb == step.verb) {
      step.times += steps_.back().times;
      step.bytes += steps_.back().bytes;
      steps_.pop_back();
    }
    steps_.push_back(std::move(step));
    if (steps_.size() <= shown_steps) return;
    steps_.pop_front();
    ++left_out_;
  }

  std::size_t next_number(const std::string& what) {
    const std::scoped_lock lock(mutex_);
    return ++counts_[what];
  }

  // A program's words may be read after the failure: it is cleared away then.
  void keep_words(const std::string& program, const std::string& said) {
    const std::scoped_lock lock(mutex_);
    if (!said.empty()) words_.emplace_back(program, said);
  }

  void fail(const std::string& failure) {
    const std::scoped_lock lock(mutex_);
    if (!failure_) failure_ = failure;
  }

  // Empty when the test case talked to nobody.
  std::string told() const {
    const std::scoped_lock lock(mutex_);
    if (steps_.empty()) return {};
    std::string text;
    if (left_out_ > 0) text += fmt::format("earlier steps are left out: {}\n", left_out_);
    for (const Step& step : steps_) text += step.line() + "\n";
    text += fmt::format("then: {}\n", failure_.value_or("the test failed as a whole"));
    for (const auto& [program, said] : words_)
      text += fmt::format("{} said on stderr, at last:\n{}", program, last_lines(said));
    return words_.empty() ? text + "nothing was said on stderr\n" : text;
  }

 private:
  static std::string last_lines(const std::string& said) {
    std::deque<std::string> lines;
    std::istringstream stream(said);
    for (std::string line; std::getline(stream, line);) {
      lines.push_back(fmt::format("    {}\n", net::printable(line, 300)));
      if (lines.size() > shown_lines) lines.pop_front();
    }
    std::string text;
    for (const std::string& line : lines) text += line;
    return text;
  }

  mutable std::mutex mutex_;
  Clock::time_point begun_ = Clock::now();
  std::deque<Step> steps_;
  std::size_t left_out_ = 0;
  std::vector<std::pair<std::string, std::string>> words_;
  std::map<std::string, std::size_t> counts_;
  std::optional<std::string> failure_;
};

// The one of the test case that runs: doctest hands its listeners nothing of the test's own.
Conversation& conversation() {
  static Conversation of_running_test;
  return of_running_test;
}

// Prints the conversation of each test case that failed, where its report is read: beside the dots, too.
struct Narrator : Listener {
  explicit Narrator(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData& test) override {
    name = test.m_name;
    conversation().begin();
  }
  void test_case_reenter(const doctest::TestCaseData&) override { conversation().begin(); }
  void log_assert(const doctest::AssertData& given) override {
    if (!given.m_failed) return;
    const doctest::String& seen = given.m_threw ? given.m_exception : given.m_decomp;
    conversation().fail(fmt::format("{}({}) failed: {} ({}:{})", doctest::assertString(given.m_at),
                                    given.m_expr, seen.c_str(), given.m_file, given.m_line));
  }
  void log_message(const doctest::MessageData& message) override {
    if (message.m_severity != doctest::assertType::is_warn)
      conversation().fail(
          fmt::format("{} ({}:{})", message.m_string.c_str(), message.m_file, message.m_line));
  }
  void test_case_exception(const doctest::TestCaseException& thrown) override {
    conversation().fail(fmt::format("exception: {}", thrown.error_string.c_str()));
  }
  void test_case_end(const doctest::CurrentTestCaseStats& test) override {
    if (test.failure_flags == doctest::TestCaseFailureReason::None) return;
    if (const std::string told = conversation().told(); !told.empty())
      std::cout << fmt::format("\n--- the conversation that led to it: {} ---\n{}\n", name, told)
                << std::flush;
  }

  std::string name;
};

REGISTER_LISTENER("narrator", 2, Narrator);

}  // namespace

void note(const std::string& who, const std::string& what) {
  conversation().add({.who = who, .verb = what, .first_bytes = {}});
}

std::string numbered(const std::string& what) {
  return fmt::format("{} {}", what, conversation().next_number(what));
}

void note_bytes(const std::string& who, const std::string& verb, std::string_view bytes) {
  const std::string many = bytes.size() == 1 ? "1 byte" : fmt::format("{} bytes", bytes.size());
  conversation().add({.who = who,
                      .verb = verb,
                      .first_bytes = fmt::format(" {}: {}", many, net::printable(bytes, shown_bytes)),
                      .bytes = bytes.size()});
}

void note_words(const std::string& program, const std::string& said) {
  conversation().keep_words(program, said);
}

}  // namespace testing
