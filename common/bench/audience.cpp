#include "common/bench/audience.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "common/harness/processes/server_process.h"
#include "common/net/connection.h"
#include "common/net/listener.h"
#include "common/net/system_error.h"

namespace bench {

namespace {

constexpr std::size_t line_bytes = 64;
constexpr std::chrono::seconds patience{10};

// What has come, at most so much; empty: nothing has.
std::string receive(const net::FileDescriptor& listener, std::size_t most) {
  std::array<char, 16 * 1024> bytes;
  for (;;) {
    const ssize_t received = recv(listener.fd(), bytes.data(), std::min(bytes.size(), most), MSG_DONTWAIT);
    if (received > 0) return {bytes.data(), static_cast<std::size_t>(received)};
    if (received == 0) throw harness::ServerError("a room has closed a listener's connection");
    if (errno == EAGAIN || errno == EWOULDBLOCK) return "";
    if (errno != EINTR) throw net::SystemError("recv");
  }
}

void wait_for(const net::FileDescriptor& listener) {
  pollfd wait{.fd = listener.fd(), .events = POLLIN, .revents = 0};
  const int ready = poll(&wait, 1, static_cast<int>(std::chrono::milliseconds(patience).count()));
  if (ready < 0 && errno != EINTR) throw net::SystemError("poll");
  if (ready == 0)
    throw harness::ServerError(fmt::format("a listener has heard nothing for {} s", patience.count()));
}

}  // namespace

Audience::Audience(const net::Address& room, std::size_t listeners) {
  constexpr std::size_t at_a_time = 100;
  while (listeners_.size() < listeners) {
    listeners_.push_back(net::connect_to({room}, net::give_up_after(patience)));
    // All are told of each who comes: a small part of that is in the sockets at a time.
    if (listeners_.size() % at_a_time == 0) read_what_there_is();
  }
  // Connections are accepted in the order in which they came: when the speaker is heard, all are inside.
  speaker_ = net::connect_to({room}, net::give_up_after(patience));
  net::disable_nagle(speaker_);
  const std::string first = "all are inside\n";
  net::send_all(speaker_, first);
  for (const net::FileDescriptor& listener : listeners_) hear_up_to(listener, first);
  const std::string prefix = heard_.substr(0, heard_.size() - first.size());
  said_ = fmt::format("{:.<{}}\n", "a line", line_bytes - 1);
  heard_ = prefix + said_;
}

void Audience::read_what_there_is() {
  for (const net::FileDescriptor& listener : listeners_) {
    while (!receive(listener, SIZE_MAX).empty()) {
    }
  }
}

// Of what comes before it, the beginning of the same line alone is kept.
void Audience::hear_up_to(const net::FileDescriptor& listener, const std::string& end) {
  heard_.clear();
  while (!heard_.ends_with(end)) {
    wait_for(listener);
    heard_ += receive(listener, SIZE_MAX);
  }
  const auto line_feed = heard_.rfind('\n', heard_.size() - 2);
  if (line_feed != std::string::npos) heard_.erase(0, line_feed + 1);
}

void Audience::say_and_hear() {
  net::send_all(speaker_, said_);
  wait_for(listeners_.back());
  for (const net::FileDescriptor& listener : listeners_) hear(listener, heard_);
  deliveries_ += listeners_.size();
}

void Audience::hear(const net::FileDescriptor& listener, const std::string& line) {
  std::string heard = receive(listener, line.size());
  while (heard.size() < line.size()) {
    wait_for(listener);
    heard += receive(listener, line.size() - heard.size());
  }
  if (heard != line) throw harness::ServerError(fmt::format("a listener has heard '{}'", heard));
}

}  // namespace bench
