#include "common/testing/threaded_server.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "common/net/system_error.h"
#include "common/testing/conversation.h"

namespace testing {

void echo(Peer& peer, const std::string& bytes) { peer.unsent += bytes; }

ThreadedServer::ThreadedServer(Manners manners)
    : manners_(std::move(manners)), stop_(eventfd(0, EFD_CLOEXEC)), thread_([this] { run(); }) {}

ThreadedServer::~ThreadedServer() { stop(); }

const std::vector<Peer>& ThreadedServer::stop() {
  if (!thread_.joinable()) return peers_;
  const std::uint64_t one = 1;
  CHECK(write(stop_.fd(), &one, sizeof(one)) == sizeof(one));
  thread_.join();
  return peers_;
}

void ThreadedServer::run() {
  net::set_nonblocking(listener_);
  for (;;) {
    std::vector<pollfd> watched{{.fd = stop_.fd(), .events = POLLIN, .revents = 0},
                                {.fd = listener_.fd(), .events = POLLIN, .revents = 0}};
    for (const Peer& peer : peers_) {
      const short events = peer.unsent.empty() ? POLLIN : POLLOUT;
      watched.push_back({.fd = peer.over ? -1 : peer.socket.fd(), .events = events, .revents = 0});
    }
    poll(watched.data(), watched.size(), -1);
    if (watched[0].revents != 0) return;
    for (std::size_t i = 2; i < watched.size(); ++i) {
      if (watched[i].revents != 0) serve(peers_[i - 2]);
    }
    if (watched[1].revents != 0) accept_one();
  }
}

void ThreadedServer::accept_one() {
  sockaddr_in peer{};
  socklen_t size = sizeof(peer);
  net::FileDescriptor socket{
      accept4(listener_.fd(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!socket) return;
  net::disable_nagle(socket);
  peers_.emplace_back();
  peers_.back().socket = std::move(socket);
  peers_.back().address = ntohl(peer.sin_addr.s_addr);
  peers_.back().name = numbered("client");
  note(peers_.back().name, "was accepted");
}

void ThreadedServer::serve(Peer& peer) {
  if (peer.unsent.empty()) receive(peer);
  if (!peer.over && !peer.unsent.empty()) send(peer);
  if (peer.close_when_sent && peer.unsent.empty() && !peer.over) {
    end(peer, "was closed");
    peer.socket.close();
  }
}

void ThreadedServer::receive(Peer& peer) {
  std::array<char, 64 * 1024> buffer;
  const ssize_t n = recv(peer.socket.fd(), buffer.data(), buffer.size(), 0);
  if (n == 0) end(peer, "has ended");
  if (n < 0 && !net::is_try_again(errno)) end(peer, std::strerror(errno));
  if (n <= 0) return;
  peer.received += static_cast<std::size_t>(n);
  manners_(peer, {buffer.data(), static_cast<std::size_t>(n)});
  bytes_received_ += static_cast<std::uint64_t>(n);
}

void ThreadedServer::send(Peer& peer) {
  const ssize_t sent = ::send(peer.socket.fd(), peer.unsent.data(), peer.unsent.size(), MSG_NOSIGNAL);
  if (sent < 0 && !net::is_try_again(errno)) end(peer, std::strerror(errno));
  if (sent > 0) peer.unsent.erase(0, static_cast<std::size_t>(sent));
}

void ThreadedServer::end(Peer& peer, const std::string& how) {
  note(peer.name, how + " after " + std::to_string(peer.received) + " bytes");
  peer.over = true;
}

}  // namespace testing
