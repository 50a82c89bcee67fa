#include "common/harness/processes/program.h"

#include <fmt/format.h>

#include <csignal>
#include <sstream>
#include <stdexcept>

#include "common/harness/processes/server_process.h"
#include "common/net/connection.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto start_timeout = 10s;

// The whole lines: the program may be in the middle of one.
std::vector<std::string> lines_of(const MemoryFile& file) {
  const std::string text = file.contents();
  std::istringstream stream(text.substr(0, text.rfind('\n') + 1));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

Program::Program(const std::vector<std::string>& words, const std::vector<int>& cores,
                 const Interruption& interruption)
    : name_(words.at(0).substr(words[0].rfind('/') + 1)),
      interruption_(interruption),
      stdout_("program-stdout"),
      stderr_("program-stderr"),
      child_({.words = words, .output = stdout_.fd(), .errors = stderr_.fd(), .cores = cores}) {}

net::Address Program::wait_until_listening() {
  static const std::string announcement = "listening on ";
  const auto deadline = Clock::now() + start_timeout;
  for (;;) {
    const bool ended = child_.has_ended();  // asked first: what it has said until then is in the lines
    if (const auto lines = stdout_lines(); !lines.empty()) {
      try {
        if (lines.front().starts_with(announcement))
          return net::find_reachable(net::Address::parse(lines.front().substr(announcement.size())));
      } catch (const std::invalid_argument&) {
        // no HOST:PORT: as wrong as any other line
      }
      throw std::runtime_error(fmt::format("{} announced '{}' instead of 'listening on HOST:PORT'", name_,
                                           on_one_line(lines.front(), 60)));
    }
    if (ended) wait_for_success(0ms);
    if (ended || Clock::now() > deadline)
      throw std::runtime_error(fmt::format("{} never announced itself ('listening on HOST:PORT')", name_));
    child_.wait_for_end(1ms, &interruption_);
  }
}

void Program::pause() {
  if (!child_.pause())
    throw std::runtime_error(fmt::format("{} ended too soon ({})", name_, child_.how_it_fares()));
}

void Program::resume() const { child_.send_signal(SIGCONT); }

void Program::wait_for_success(std::chrono::milliseconds timeout) {
  if (!child_.wait_for_end(timeout, &interruption_))
    throw std::runtime_error(fmt::format("{} did not end within {} s", name_, timeout / 1s));
  if (child_.exit_code() == 0) return;
  const auto said = stderr_lines();
  throw std::runtime_error(fmt::format("{} failed ({}){}", name_, child_.how_it_fares(),
                                       said.empty() ? "" : ": " + on_one_line(said.back(), 300)));
}

std::vector<std::string> Program::stdout_lines() const { return lines_of(stdout_); }

std::vector<std::string> Program::stderr_lines() const { return lines_of(stderr_); }

}  // namespace harness
