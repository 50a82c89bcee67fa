#include "common/net/system_error.h"

#include <fmt/format.h>

#include <system_error>

namespace net {

SystemError::SystemError(const char* call) : SystemError(errno, call) {}

SystemError::SystemError(const char* call, const std::string& about) : SystemError(errno, call, " ", about) {}

SystemError::SystemError(const std::string& call, int error_number) : SystemError(error_number, call) {}

SystemError::SystemError(int error_number, std::string_view call, std::string_view space,
                         std::string_view about)
    : std::runtime_error(
          fmt::format("{}{}{}: {}", call, space, about, std::generic_category().message(error_number))),
      error_number_(error_number) {}

}  // namespace net
