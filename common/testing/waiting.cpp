#include "common/testing/waiting.h"

#include <chrono>
#include <thread>

namespace testing {

using namespace std::chrono_literals;

bool becomes_true(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

}  // namespace testing
