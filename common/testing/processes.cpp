#include "common/testing/processes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

#include "common/testing/conversation.h"

namespace testing {

namespace {

// The program, as it is called in the conversation.
std::string name_of(const std::vector<std::string>& words) {
  return words.at(0).substr(words[0].rfind('/') + 1);
}

const std::vector<std::string>& noted(const std::vector<std::string>& words) {
  const std::string line = harness::on_one_line(fmt::format("{}", fmt::join(words, " ")), 120);
  note(name_of(words), fmt::format("is started as `{}`", line));
  return words;
}

template <typename Command>
const Command& noted(const Command& command) {
  noted(command.words);
  return command;
}

void note_signal(const std::string& name, int signal) {
  const char* abbreviation = sigabbrev_np(signal);  // none for a real-time signal
  note(name, abbreviation == nullptr ? fmt::format("was sent signal {}", signal)
                                     : fmt::format("was sent SIG{}", abbreviation));
}

// How long it was waited for, and what came of it.
void note_wait(const std::string& name, std::chrono::milliseconds timeout, const std::string& fares) {
  note(name, fmt::format("was waited for, {} ms at most: {}", timeout.count(), fares));
}

}  // namespace

ServerProcess::ServerProcess(const harness::ServerCommand& command)
    : harness::ServerProcess(noted(command)), name_(name_of(command.words)) {
  note(name_, "is ready on " + address().to_string());
}

ServerProcess::~ServerProcess() { note_words(name_, said_on_stderr()); }

void ServerProcess::send_signal(int signal) const {
  note_signal(name_, signal);
  harness::ServerProcess::send_signal(signal);
}

bool ServerProcess::pause() {
  const bool paused = harness::ServerProcess::pause();
  note(name_, paused ? "is halted" : "could not be halted");
  return paused;
}

std::optional<std::string> ServerProcess::wait_for_end(std::chrono::milliseconds timeout) {
  auto ended = harness::ServerProcess::wait_for_end(timeout);
  note_wait(name_, timeout, how_it_fares());
  return ended;
}

Program::Program(const std::vector<std::string>& words, const std::vector<int>& cores,
                 const harness::Interruption& interruption)
    : harness::Program(noted(words), cores, interruption), name_(name_of(words)) {}

Program::~Program() { note_words(name_, fmt::format("{}", fmt::join(stderr_lines(), "\n"))); }

net::Address Program::wait_until_listening() {
  note(name_, "is waited for until it listens");
  net::Address address = harness::Program::wait_until_listening();
  note(name_, "is ready on " + address.to_string());
  return address;
}

void Program::pause() {
  harness::Program::pause();
  note(name_, "is halted");
}

void Program::resume() const {
  note(name_, "is resumed");
  harness::Program::resume();
}

void Program::wait_for_success(std::chrono::milliseconds timeout) {
  note(name_, fmt::format("is waited for, {} ms at most", timeout.count()));
  harness::Program::wait_for_success(timeout);
  note(name_, "has ended with exit 0");
}

ChildProcess::ChildProcess(const harness::ChildCommand& command)
    : harness::ChildProcess(noted(command)), name_(name_of(command.words)) {}

void ChildProcess::send_signal(int signal) const {
  note_signal(name_, signal);
  harness::ChildProcess::send_signal(signal);
}

bool ChildProcess::pause() {
  const bool paused = harness::ChildProcess::pause();
  note(name_, paused ? "is halted" : "could not be halted");
  return paused;
}

bool ChildProcess::wait_for_end(std::chrono::milliseconds timeout) {
  const bool ended = harness::ChildProcess::wait_for_end(timeout);
  note_wait(name_, timeout, how_it_fares());
  return ended;
}

}  // namespace testing
