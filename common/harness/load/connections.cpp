#include "common/harness/load/connections.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <stdexcept>

#include "common/harness/load/punctual_sleep.h"
#include "common/net/listener.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t connecting_at_once = 64;  // below the backlog of most servers (asyncio's is 100):
                                                // beyond it SYNs are dropped, and tried again a second later
constexpr auto settling = 100ms;

bool is_loopback(const net::Address& address) {
  if (address.family() != AF_INET) return false;
  const auto* in = reinterpret_cast<const sockaddr_in*>(address.data());
  return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
}

net::FileDescriptor open_client_socket(const LoadPlan& plan, std::size_t index) {
  net::FileDescriptor client{
      socket(plan.server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)};
  if (!client) {
    const int error = errno;
    throw net::SystemError(fmt::format("socket for connection {} of {}", index + 1, plan.connections), error);
  }
  net::disable_nagle(client);
  if (is_loopback(plan.server)) {
    // 127.0.0.1, 127.0.0.2, …; the port is chosen at connect, when the peer is known, so that it need only be
    // unique for this pair of addresses (IP_BIND_ADDRESS_NO_PORT in ip(7)).
    const int on = 1;
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr =
        htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(index / plan.connections_per_address));
    if (setsockopt(client.fd(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
        bind(client.fd(), reinterpret_cast<const sockaddr*>(&source), sizeof(source)) < 0) {
      throw net::SystemError("bind to a source address");
    }
  }
  return client;
}

}  // namespace

Connections::Connections(const LoadPlan& plan, const Interruption& interruption)
    : plan_(plan),
      interruption_(interruption),
      payload_(plan.message_bytes),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(std::max<std::size_t>(plan.message_bytes, 64 * 1024)) {
  if (plan.connections == 0 || plan.active > plan.connections) {
    throw std::invalid_argument(
        "a load needs at least one connection, and no more active ones than there are");
  }
  if (!epoll_) throw net::SystemError("epoll_create1");
  epoll_event interruption_event{.events = EPOLLIN, .data = {.u64 = plan.connections}};
  if (epoll_ctl(epoll_.fd(), EPOLL_CTL_ADD, interruption.fd(), &interruption_event) < 0) {
    throw net::SystemError("epoll_ctl");
  }
  clients_.reserve(plan.connections);
}

std::size_t Connections::living() const {
  return static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(),
                                                [](const Client& c) { return c.state != State::dead; }));
}

void Connections::open(std::chrono::nanoseconds timeout) {
  last_newcomer_ = last_event_ = Clock::now();
  bool spoken = false;
  while ((clients_.size() < plan_.connections || connecting_ > 0 || unanswered_ > 0) &&
         Clock::now() - last_newcomer_ < timeout) {
    while (clients_.size() < plan_.connections && connecting_ < connecting_at_once) connect_next();
    const bool connected = clients_.size() == plan_.connections && connecting_ == 0;
    // One request each when all are there, so that a thread for each client doesn't keep the thread that
    // accepts from its core. If nothing happens any more, one more each: a server that reads from its clients
    // in turn may need to hear from the first again before it accepts those that came later.
    if ((connected && !spoken) || Clock::now() - last_event_ > settling) {
      spoken = true;
      last_event_ = Clock::now();
      for (std::size_t index = 0; index < clients_.size(); ++index) {
        if (clients_[index].state == State::idle) start_request(index, Clock::now());
      }
    }
    wait_once();
  }
  failures_.timeouts += plan_.connections - clients_.size();
  for (std::size_t index = 0; index < clients_.size(); ++index) {
    if (clients_[index].state != State::dead && !clients_[index].answered_once)
      fail(index, failures_.timeouts);
  }
  settle();
}

std::vector<std::size_t> Connections::active_ones() const {
  std::vector<std::size_t> active;
  for (std::size_t i = 0; i < plan_.active && !clients_.empty(); ++i)
    active.push_back(i * clients_.size() / plan_.active);
  return active;
}

void Connections::begin_interjections(Clock::time_point span_begin, std::vector<Interjection> interjections) {
  interjections_begin_ = span_begin;
  interjections_ = std::move(interjections);
  std::reverse(interjections_.begin(), interjections_.end());
}

void Connections::interject() {
  while (!interjections_.empty() && Clock::now() >= interjections_begin_ + interjections_.back().after) {
    const auto action = std::move(interjections_.back().action);
    interjections_.pop_back();
    action();
  }
}

void Connections::abort() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  for (Client& client : clients_) {
    if (client.state == State::dead) continue;
    if (setsockopt(client.socket.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0) {
      throw net::SystemError("setsockopt SO_LINGER");
    }
    client.socket.close();
    client.state = State::dead;
  }
}

// Takes the replies that are still under way, with nobody sending any more. A server that reads from its
// clients in turn may sit in one that has no more to say: then there is nothing to wait for.
void Connections::settle() {
  const auto deadline = Clock::now() + settling;
  while (waiting_ > 0 && Clock::now() < deadline) wait_once();
}

void Connections::connect_next() {
  const std::size_t index = clients_.size();
  net::FileDescriptor socket = open_client_socket(plan_, index);
  const bool failed = connect(socket.fd(), plan_.server.data(), plan_.server.size()) < 0;
  if (failed && (errno == EADDRNOTAVAIL || errno == EAGAIN))
    throw net::SystemError("connect: no local port left");
  const bool refused = failed && errno != EINPROGRESS;
  clients_.emplace_back();
  clients_.back().socket = std::move(socket);
  clients_.back().wants_to_write = true;  // connected shows as writable
  ++connecting_;
  ++unanswered_;
  set_interest(index, EPOLL_CTL_ADD);
  if (refused) fail(index, failures_.refused);
}

void Connections::finish_connecting(std::size_t index) {
  Client& client = clients_[index];
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(client.socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size) < 0)
    throw net::SystemError("SO_ERROR");
  if (error != 0) return fail(index, failures_.refused);
  --connecting_;
  client.state = State::idle;
  client.wants_to_write = false;
  set_interest(index, EPOLL_CTL_MOD);
  last_newcomer_ = last_event_ = Clock::now();
}

void Connections::start_request(std::size_t index, Clock::time_point now) {
  Client& client = clients_[index];
  client.state = State::waiting;
  ++client.sequence;
  client.sent = 0;
  client.received = 0;
  client.sent_at = now;
  ++waiting_;
  continue_sending(index);
}

void Connections::continue_sending(std::size_t index) {
  Client& client = clients_[index];
  const auto message = payload_.compose(static_cast<std::uint32_t>(index), client.sequence);
  const auto rest = message.subspan(client.sent);
  const ssize_t result = send(client.socket.fd(), rest.data(), rest.size(), MSG_NOSIGNAL);
  if (result < 0 && !net::is_try_again(errno)) {
    return fail(index, client.answered_once ? failures_.errors : failures_.refused);
  }
  client.sent += result < 0 ? 0 : static_cast<std::size_t>(result);
  const bool more = client.sent < message.size();
  if (more != client.wants_to_write) {
    client.wants_to_write = more;
    set_interest(index, EPOLL_CTL_MOD);
  }
}

void Connections::receive(std::size_t index) {
  Client& client = clients_[index];
  const ssize_t result = recv(client.socket.fd(), buffer_.data(), buffer_.size(), 0);
  if (result < 0 && net::is_try_again(errno)) return;
  if (result <= 0) return fail(index, client.answered_once ? failures_.errors : failures_.refused);
  const auto bytes = std::span(buffer_).first(static_cast<std::size_t>(result));
  const bool expected =
      client.state == State::waiting && client.received + bytes.size() <= client.sent &&
      payload_.matches(bytes, client.received, static_cast<std::uint32_t>(index), client.sequence);
  if (!expected) return fail(index, failures_.corrupt);
  client.received += bytes.size();
  if (client.received == plan_.message_bytes) complete_reply(index);
}

void Connections::complete_reply(std::size_t index) {
  Client& client = clients_[index];
  const auto now = Clock::now();
  if (is_owed(client) && now - client.sent_at > plan_.request_timeout) return fail(index, failures_.timeouts);
  last_event_ = now;
  if (!client.answered_once) {
    --unanswered_;
    last_newcomer_ = now;
  }
  client.answered_once = true;
  client.state = State::idle;
  --waiting_;
  replied(index, now);
}

void Connections::handle(const epoll_event& event) {
  const auto index = static_cast<std::size_t>(event.data.u64);
  if (index == plan_.connections) return interruption_.check();
  if (clients_[index].state == State::dead) return;
  if (clients_[index].state == State::connecting) return finish_connecting(index);
  if ((event.events & EPOLLOUT) != 0) continue_sending(index);
  // Errors and hang-ups too: recv says what happened.
  if (clients_[index].state != State::dead && (event.events & ~EPOLLOUT) != 0) receive(index);
}

void Connections::wait_once(Clock::time_point wake_up) {
  interject();
  if (!interjections_.empty())
    wake_up = std::min(wake_up, interjections_begin_ + interjections_.back().after);
  const int ready = epoll_wait(epoll_.fd(), events_.data(), static_cast<int>(events_.size()),
                               punctual_sleep(wake_up, Clock::now()));
  if (ready < 0 && errno != EINTR) throw net::SystemError("epoll_wait");
  for (int i = 0; i < ready; ++i) handle(events_[static_cast<std::size_t>(i)]);
}

void Connections::fail(std::size_t index, std::uint64_t& counter) {
  lost(index);
  Client& client = clients_[index];
  if (client.state == State::connecting) --connecting_;
  if (client.state == State::waiting) --waiting_;
  if (!client.answered_once) --unanswered_;
  client.state = State::dead;
  client.socket.close();
  ++counter;
}

void Connections::set_interest(std::size_t index, int operation) {
  const Client& client = clients_[index];
  const bool connecting = client.state == State::connecting;
  epoll_event event{.events = connecting ? EPOLLOUT : EPOLLIN | (client.wants_to_write ? EPOLLOUT : 0U),
                    .data = {.u64 = index}};
  if (epoll_ctl(epoll_.fd(), operation, client.socket.fd(), &event) < 0) throw net::SystemError("epoll_ctl");
}

}  // namespace harness
