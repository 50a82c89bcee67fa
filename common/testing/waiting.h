#pragma once

#include <functional>

namespace testing {

/// True as soon as the condition holds; false when it doesn't within 10 s.
bool becomes_true(const std::function<bool()>& condition);

}  // namespace testing
