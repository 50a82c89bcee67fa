#include "common/demonstration/demonstration.h"

#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <utility>

#include "common/net/system_error.h"

namespace demonstration {

std::string to_string(const Answer& answer) {
  if (answer.result >= 0) return std::to_string(answer.result);
  const char* const name = strerrorname_np(answer.error);
  const char* const meaning = strerrordesc_np(answer.error);
  if (name == nullptr || meaning == nullptr) return fmt::format("errno {}", answer.error);
  return fmt::format("{} ({})", name, meaning);
}

std::string poll_events(short events) {
  constexpr std::array<std::pair<short, std::string_view>, 7> names{{{POLLIN, "IN"},
                                                                     {POLLPRI, "PRI"},
                                                                     {POLLOUT, "OUT"},
                                                                     {POLLERR, "ERR"},
                                                                     {POLLHUP, "HUP"},
                                                                     {POLLNVAL, "NVAL"},
                                                                     {POLLRDHUP, "RDHUP"}}};
  std::string text;
  for (const auto& [event, name] : names) {
    if ((events & event) != 0) text += (text.empty() ? "" : "|") + std::string(name);
  }
  return text.empty() ? "-" : text;
}

void Demonstration::situation(std::string_view text) {
  print_line(fmt::format("{}{}", begun_ ? "\n" : "", text));
}

Answer Demonstration::call(std::string_view what, Answer answer) {
  shows(what, to_string(answer));
  return answer;
}

void Demonstration::shows(std::string_view what, std::string_view seen) {
  print_line(fmt::format("  {} → {}", what, seen));
}

void Demonstration::states(std::string_view statement, bool holds) {
  verdict(holds);
  print_line(fmt::format("{}as described: {}", holds ? "" : "NOT ", statement));
}

void Demonstration::row(std::string_view situation, std::string_view seen, std::string_view described) {
  const bool holds = seen == described;
  verdict(holds);
  print_line(fmt::format("{:<38} {:<20} {}", situation, seen,
                         holds ? "as described" : fmt::format("NOT as described: {}", described)));
}

void Demonstration::print_line(const std::string& line) {
  begun_ = true;
  if (std::fputs((line + "\n").c_str(), out_) < 0 || std::fflush(out_) != 0)
    throw net::SystemError("write to stdout");
}

void Demonstration::verdict(bool holds) {
  if (holds) ++held_;
  if (!holds) failed_ = true;
}

}  // namespace demonstration
