#include "common/net/system_error.h"

#include <fmt/format.h>

#include <system_error>

namespace net {

SystemError::SystemError(const std::string& call, int error_number)
    : std::runtime_error(fmt::format("{}: {}", call, std::generic_category().message(error_number))),
      error_number_(error_number) {}

}  // namespace net
