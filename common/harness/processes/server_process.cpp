#include "common/harness/processes/server_process.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "common/harness/processes/listening.h"
#include "common/harness/processes/process_usage.h"
#include "common/net/connection.h"
#include "common/net/listener.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

std::vector<std::string> with_port(std::vector<std::string> words, const std::string& port) {
  for (std::string& word : words) {
    for (auto at = word.find("{port}"); at != std::string::npos; at = word.find("{port}", at + port.size()))
      word.replace(at, 6, port);
  }
  return words;
}

bool asks_for_port(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return word.find("{port}") != std::string::npos; });
}

net::Address announced_address(const std::string& server, const std::string& line) {
  static const std::string announcement = "listening on ";
  try {
    if (line.starts_with(announcement))
      return net::find_reachable(net::Address::parse(line.substr(announcement.size())));
  } catch (const std::invalid_argument&) {
    // no HOST:PORT: as wrong as any other line
  } catch (const net::UnresolvedHost& error) {
    throw ServerError(fmt::format("server '{}' announced a place that is none: {}", server, error.what()));
  }
  throw ServerError(fmt::format("server '{}' announced '{}' instead of 'listening on HOST:PORT'", server,
                                on_one_line(line, 60)));
}

std::optional<ReservedPort> reserved_for(const ServerCommand& command) {
  if (command.port || !asks_for_port(command.words)) return std::nullopt;
  return ReservedPort();
}

std::optional<std::uint16_t> port_for(const ServerCommand& command,
                                      const std::optional<ReservedPort>& reserved) {
  if (!asks_for_port(command.words)) return std::nullopt;
  return reserved ? reserved->port() : command.port;
}

ChildProcess start(const ServerCommand& command, std::optional<std::uint16_t> port, const MemoryFile& out,
                   const MemoryFile& err) {
  try {
    return ChildProcess({.words = with_port(command.words, std::to_string(port.value_or(0))),
                         .output = out.fd(),
                         .errors = err.fd(),
                         .cores = command.core ? std::vector<int>{*command.core} : std::vector<int>{},
                         .descriptor_limit = command.descriptor_limit});
  } catch (const CannotStart& error) {
    throw ServerError(fmt::format("server '{}' does not start: {}", command.words.front(), error.reason()));
  }
}

// Where a client of this machine connects: any address stands for the loopback one of its family.
net::Address reachable(const net::Address& listener) {
  if (!listener.is_any()) return listener;
  return net::Address::resolve(listener.family() == AF_INET ? "127.0.0.1" : "::1", listener.port()).front();
}

}  // namespace

std::string on_one_line(const std::string& text, std::size_t at_most) {
  std::string line = text.size() <= at_most ? text : text.substr(0, at_most - 3) + "...";
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return std::iscntrl(c) != 0; }, '?');
  return line;
}

ServerProcess::ServerProcess(const ServerCommand& command)
    : reserved_(reserved_for(command)),
      port_(port_for(command, reserved_)),
      stdout_("server-stdout"),
      stderr_("server-stderr"),
      child_(start(command, port_, stdout_, stderr_)) {
  wait_until_ready(command);
}

void ServerProcess::wait_until_ready(const ServerCommand& command) {
  const std::string name = on_one_line(fmt::format("{}", fmt::join(command.words, " ")), 100);
  const auto deadline = Clock::now() + command.start_timeout;
  while (!is_ready(name)) {
    // Neither /proc nor a file in memory can be waited for; the server's end can.
    if (child_.wait_for_end(2ms, command.interruption)) tell_of_end(name);
    if (Clock::now() > deadline) throw ServerError(why_not_ready(name, command));
  }
}

bool ServerProcess::is_ready(const std::string& name) {
  if (!alive()) tell_of_end(name);
  if (port_) {
    const auto listeners = listening_addresses(process_tree(pid()), port_);
    if (listeners.empty()) return false;
    address_ = reachable(listeners.front());
  } else {
    const std::string said = stdout_.contents();
    if (said.find('\n') == std::string::npos) return false;
    address_ = announced_address(name, said.substr(0, said.find('\n')));
  }
  return true;
}

void ServerProcess::tell_of_end(const std::string& name) {
  if (child_.exit_code() == net::cannot_run_here)
    throw CannotRunHere(last_words().empty() ? "can't run here" : last_words());
  std::string what = fmt::format("server '{}' ended at once ({})", name, how_it_fares());
  if (!last_words().empty()) what += ": " + last_words();
  if (const auto left = living_processes(); !left.empty()) {
    what += fmt::format("; it left process {} in the background: it must stay in the foreground",
                        fmt::join(left, ", "));
  }
  throw ServerError(what);
}

// What is known of a server that runs and can't be used: the words for its user.
std::string ServerProcess::why_not_ready(const std::string& name, const ServerCommand& command) const {
  std::string what = fmt::format("server '{}' {} within {} s", name,
                                 port_ ? fmt::format("did not listen on port {}", *port_)
                                       : "never announced itself ('listening on HOST:PORT' on stdout)",
                                 command.start_timeout / 1s);
  if (const auto listeners = listening_addresses(living_processes()); !listeners.empty()) {
    what += fmt::format("; it listens on {}", listeners.front().to_string());
    if (!port_) what += " but printed no line 'listening on HOST:PORT' (stdout not flushed?)";
  }
  if (!last_words().empty()) what += "; its last words: " + last_words();
  return what;
}

std::optional<std::string> ServerProcess::wait_for_end(std::chrono::milliseconds timeout) {
  if (!child_.wait_for_end(timeout)) return std::nullopt;
  return how_it_fares();
}

std::vector<net::Address> ServerProcess::listens_on() const {
  return listening_addresses(living_processes(), address_.port());
}

std::string ServerProcess::last_words() const {
  struct stat file {};
  if (fstat(stderr_.fd(), &file) < 0) throw net::SystemError("fstat");
  std::string said = stderr_.contents(std::max<off_t>(0, file.st_size - 4096));
  while (!said.empty() && said.back() == '\n') said.pop_back();
  return on_one_line(said.substr(said.rfind('\n') + 1), 300);
}

}  // namespace harness
