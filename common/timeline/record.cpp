#include "common/timeline/record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string_view>
#include <utility>

#include "common/net/server.h"
#include "common/net/system_error.h"

namespace timeline {

std::int64_t now_ns() {
  // libstdc++'s steady_clock is CLOCK_MONOTONIC.
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Record::Record(std::string program, std::string path) : program_(std::move(program)), path_(std::move(path)) {
  if (path_.empty()) return;
  static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
  file_ = net::FileDescriptor{open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (!file_) {
    fail("open");
  } else {
    write("time_ns,event,value\n");
  }
}

Record::~Record() { save(); }

void Record::add(const char* event, std::int64_t value) {
  if (!is_on()) return;
  const std::scoped_lock lock(adding_);
  lines_.push_back({.time_ns = now_ns(), .event = event, .value = value});
}

void Record::save() {
  const std::scoped_lock lock(saving_);
  std::vector<Line> lines;
  {
    const std::scoped_lock adding(adding_);
    lines.swap(lines_);
  }
  if (!file_ || lines.empty()) return;
  std::string text;
  for (const auto& [time_ns, event, value] : lines) text += fmt::format("{},{},{}\n", time_ns, event, value);
  write(text);
}

void Record::write(const std::string& text) {
  std::string_view unwritten = text;
  while (!unwritten.empty()) {
    const ssize_t written = ::write(file_.fd(), unwritten.data(), unwritten.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail("write");
    unwritten.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Record::fail(const char* call) {
  const net::SystemError error(call, path_);
  net::say(program_, fmt::format("{}; going on without the record", error.what()));
  file_.close();
  whole_ = false;
}

}  // namespace timeline
