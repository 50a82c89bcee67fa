#include "common/harness/experiments/head_of_line.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <vector>

#include "common/harness/load/client.h"
#include "common/harness/load/payload.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t clients = 8;
constexpr std::size_t message_bytes = 14;
constexpr auto silence = 2s;
constexpr auto pause = 20ms;
constexpr auto speaking = 3s;
constexpr auto last_replies = 1s;

double microseconds(Clock::duration span) { return std::chrono::duration<double, std::micro>(span).count(); }

class Timeline {
 public:
  explicit Timeline(const net::Address& server) : payload_(message_bytes) {
    for (std::size_t i = 0; i < clients; ++i) speakers_.emplace_back(server);
    start_ = Clock::now();
    for (Speaker& speaker : speakers_) speaker.next = start_;
    speakers_[0].next = start_ + silence;
  }

  void run(const Interruption& interruption) {
    const auto end = start_ + speaking;
    while (Clock::now() < end || (any_waiting() && Clock::now() < end + last_replies)) {
      interruption.check();
      auto wake_up = Clock::now() + 50ms;
      for (std::size_t i = 0; i < clients; ++i) {
        Speaker& speaker = speakers_[i];
        if (speaker.waiting || speaker.gone) continue;
        if (speaker.next <= Clock::now() && Clock::now() < end) send_request(i);
        if (!speaker.waiting && Clock::now() < end) wake_up = std::min(wake_up, speaker.next);
      }
      receive_replies(wake_up);
    }
  }

  HeadOfLine result() const {
    HeadOfLine result;
    result.run.requests = 0;
    result.requests = "client,sequence,sent_us,answered_us\n";
    for (const Request& request : requests_) {
      const bool answered = request.answered != Clock::time_point();
      result.requests += fmt::format(
          "{},{},{:.1f},{}\n", request.client, request.sequence, microseconds(request.sent - start_),
          answered ? fmt::format("{:.1f}", microseconds(request.answered - start_)) : "");
      if (!answered) continue;
      ++*result.run.requests;
      if (request.client == 0) continue;
      result.longest_wait_ms =
          std::max(result.longest_wait_ms, microseconds(request.answered - request.sent) / 1000);
    }
    for (const Speaker& speaker : speakers_) {
      result.run.corrupt += speaker.got_wrong_bytes ? 1 : 0;
      result.run.errors += speaker.gone && !speaker.got_wrong_bytes ? 1 : 0;
      result.run.timeouts += speaker.waiting && !speaker.gone ? 1 : 0;
    }
    return result;
  }

 private:
  struct Speaker {
    explicit Speaker(const net::Address& server) : client(server) {}
    Client client;
    Clock::time_point next{};
    std::uint32_t sequence = 0;
    std::size_t request = 0;  // its place in requests_
    std::string reply;
    bool waiting = false;
    bool got_wrong_bytes = false;  // it speaks no more then
    bool gone = false;
  };
  struct Request {
    std::size_t client;
    std::uint32_t sequence;
    Clock::time_point sent;
    Clock::time_point answered;
  };

  bool any_waiting() const {
    return std::any_of(speakers_.begin(), speakers_.end(),
                       [](const Speaker& s) { return s.waiting && !s.gone; });
  }

  void send_request(std::size_t index) {
    Speaker& speaker = speakers_[index];
    ++speaker.sequence;
    speaker.request = requests_.size();
    requests_.push_back(
        {.client = index, .sequence = speaker.sequence, .sent = Clock::now(), .answered = {}});
    try {
      speaker.client.send_all(payload_.compose(static_cast<std::uint32_t>(index), speaker.sequence));
      speaker.waiting = true;
    } catch (const net::SystemError&) {
      speaker.gone = true;
    }
  }

  void receive_replies(Clock::time_point until) {
    std::vector<pollfd> watched;
    for (const Speaker& speaker : speakers_) {
      watched.push_back({.fd = speaker.gone ? -1 : speaker.client.fd(), .events = POLLIN, .revents = 0});
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (poll(watched.data(), watched.size(), std::max(0, static_cast<int>(left))) < 0 && errno != EINTR) {
      throw net::SystemError("poll");
    }
    for (std::size_t i = 0; i < clients; ++i) {
      if (watched[i].revents != 0) receive_reply(i);
    }
  }

  void receive_reply(std::size_t index) {
    Speaker& speaker = speakers_[index];
    const auto now = Clock::now();
    try {
      const std::string part = speaker.client.receive(message_bytes - speaker.reply.size(), 0ms);
      speaker.gone = part.empty();
      speaker.reply += part;
    } catch (const net::SystemError&) {
      speaker.gone = true;
    }
    if (speaker.gone) return;
    speaker.got_wrong_bytes =  // or any at all although nothing was asked
        !speaker.waiting ||
        !payload_.matches(speaker.reply, 0, static_cast<std::uint32_t>(index), speaker.sequence);
    speaker.gone = speaker.got_wrong_bytes;
    if (speaker.gone || speaker.reply.size() < message_bytes) return;
    requests_[speaker.request].answered = now;
    speaker.reply.clear();
    speaker.waiting = false;
    speaker.next = now + pause;
  }

  Payload payload_;
  std::vector<Speaker> speakers_;
  std::vector<Request> requests_;
  Clock::time_point start_;
};

}  // namespace

HeadOfLine run_head_of_line(const Target& target, const Cores& cores, const Interruption& interruption) {
  RunningTarget server(target, interruption, {.core = cores.server});
  Timeline timeline(server.address());
  timeline.run(interruption);
  HeadOfLine result = timeline.result();
  if (ServerProcess* process = server.process(); process != nullptr && !process->alive()) {
    throw ServerError(fmt::format("server '{}' ended during the run ({}): {}", target.name,
                                  *process->wait_for_end(0ms), process->last_words()));
  }
  result.run.invalid_reason = why_invalid({.shared_core = cores.shared});
  result.run.server = target.name;
  result.run.connections = clients;
  result.run.active = clients;
  result.run.speaking = clients;
  result.run.message_bytes = message_bytes;
  result.run.duration_s = std::chrono::duration<double>(speaking).count();
  invalidate_what_lost_clients(result.run);
  return result;
}

}  // namespace harness
