// The one translation unit that holds doctest itself; every other *_test.cpp adds its cases.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <cstdio>

#include "common/testing/listener.h"

namespace {

// A dot for each test that has ended, F for one that failed, while the report goes to a file (--out), which
// is written at the end only.
struct Dots : testing::Listener {
  explicit Dots(const doctest::ContextOptions& given) : options(given) {}

  void test_case_end(const doctest::CurrentTestCaseStats& test) override {
    if (options.out.size() == 0) return;
    const bool failed = test.failure_flags != doctest::TestCaseFailureReason::None;
    std::fputs(failed ? "F" : ".", stdout);
    if (++ended % 72 == 0) std::fputs("\n", stdout);
    std::fflush(stdout);
  }
  void test_run_end(const doctest::TestRunStats&) override {
    if (ended % 72 != 0) std::fputs("\n", stdout);
  }

  const doctest::ContextOptions& options;
  int ended = 0;
};

REGISTER_LISTENER("dots", 1, Dots);

}  // namespace
