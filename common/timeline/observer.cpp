#include "common/timeline/observer.h"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <mutex>
#include <utility>

#include "common/net/server.h"
#include "common/net/system_error.h"

namespace timeline {

using namespace std::chrono_literals;

namespace {

constexpr auto sampling_interval = 5ms;

std::optional<PeerSocket> peer_of(const net::FileDescriptor& connection) {
  try {
    return PeerSocket(connection);
  } catch (const net::SystemError&) {
    return std::nullopt;
  }
}

}  // namespace

Observer::Observer(const std::string& program, Side side, const net::FileDescriptor& connection,
                   const Transfer& transfer, Record& record, std::string waiting)
    : program_(program),
      side_(side),
      connection_(connection),
      transfer_(transfer),
      record_(record),
      waiting_(std::move(waiting)),
      display_(program),
      peer_(peer_of(connection)),
      thread_([this](const std::stop_token& stop) {
        try {
          run(stop);
        } catch (const std::exception& error) {  // watching must not end what is watched
          net::say(program_, fmt::format("{}; the transfer is no longer watched", error.what()));
        }
      }) {}

void Observer::run(const std::stop_token& stop) {
  std::mutex unused;
  std::condition_variable_any stopped;
  std::unique_lock lock(unused);
  const auto interval = record_.is_on() ? sampling_interval : display_.interval();
  auto next_show = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    sample();
    if (std::chrono::steady_clock::now() >= next_show) {
      show();
      next_show += display_.interval();
    }
    stopped.wait_for(lock, stop, interval, [] { return false; });
  }
  sample();
  show();
}

void Observer::sample() {
  if (!record_.is_on()) return;
  if (side_ == Side::sender) {
    record_.add("siocoutq", unacknowledged_bytes(connection_));
    record_.add("siocoutqnsd", unsent_bytes(connection_));
    record_.add("so_sndbuf", send_buffer(connection_));
    record_.add("accepted", transfer_.bytes());
  } else {
    record_.add("siocinq", unread_bytes(connection_));
    record_.add("so_rcvbuf", receive_buffer(connection_));
    record_.add("read", transfer_.bytes());
    if (const auto peer = ask_peer()) record_.add("peer_siocoutq", peer->unacknowledged);
  }
  record_.save();
}

void Observer::show() { side_ == Side::sender ? show_sender() : show_receiver(); }

void Observer::show_sender() {
  const auto waiting_for = std::chrono::floor<std::chrono::milliseconds>(transfer_.waiting_for());
  std::vector<Bar> bars{{"my send queue", unacknowledged_bytes(connection_), send_buffer(connection_)}};
  if (const auto peer = ask_peer())
    bars.push_back({"peer's receive queue", peer->unread, peer->receive_buffer});
  display_.show(
      fmt::format("accepted by send {}, waited {} times", grouped(transfer_.bytes()), transfer_.waits()),
      waiting_for > 0ms ? fmt::format("{} for {} ms", waiting_, waiting_for.count()) : "", bars);
}

void Observer::show_receiver() {
  std::vector<Bar> bars;
  const auto peer = ask_peer();
  if (peer) bars.push_back({"sender's send queue", peer->unacknowledged, peer->send_buffer});
  bars.push_back({"my receive queue", unread_bytes(connection_), receive_buffer(connection_)});
  display_.show(fmt::format("read {}", grouped(transfer_.bytes())),
                peer && peer->has_closed ? "the sender has closed already" : "", bars);
}

std::optional<PeerQueues> Observer::ask_peer() const { return peer_ ? peer_->ask() : std::nullopt; }

}  // namespace timeline
