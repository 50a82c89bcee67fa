#include "common/testing/connection.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <cstring>

#include "common/net/connection.h"
#include "common/testing/conversation.h"

namespace testing {

Connection::Connection(const net::Address& server)
    : socket_(net::connect_to(server)), name_(numbered("connection")) {
  note(name_, "connected to " + server.to_string());
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  REQUIRE(setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0);
  REQUIRE(setsockopt(socket_.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0);
}

Connection::~Connection() { note(name_, "closed"); }

void Connection::send(const std::string& bytes) {
  net::send_all(socket_, bytes);
  note_bytes(name_, "sent", bytes);
}

std::string Connection::receive(std::size_t count) {
  std::string received(count, '\0');
  std::size_t so_far = 0;
  while (so_far < count) {
    const ssize_t came = recv(socket_.fd(), &received[so_far], count - so_far, 0);
    if (came == 0) note(name_, "received the end");
    if (came < 0) note(name_, fmt::format("received nothing: {}", std::strerror(errno)));
    if (came <= 0) break;
    note_bytes(name_, "received", {&received[so_far], static_cast<std::size_t>(came)});
    so_far += static_cast<std::size_t>(came);
  }
  received.resize(so_far);
  return received;
}

}  // namespace testing
