// The echo handler of lab 12, apart from main so that the program that counts a million of them holds the
// very same one.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <span>
#include <vector>

#include "common/net/request_work.h"
#include "common/net/system_error.h"
#include "labs/12-coroutines/event_loop.h"

/// Sends what the socket takes now; the rest is `unsent` afterwards, of which `bytes` may be the former
/// whole. False when the connection is over.
template <typename Connection>
bool send_some(const Connection& connection, std::span<const char> bytes, std::vector<char>& unsent) {
  const ssize_t result = send(connection.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (result < 0 && !net::is_try_again(errno)) return false;
  const std::span<const char> rest = bytes.subspan(result < 0 ? 0 : static_cast<std::size_t>(result));
  unsent = std::vector<char>(rest.begin(), rest.end());  // an empty one holds no memory
  return true;
}

/// Receives once and sends it back. False when the connection is over.
template <typename Connection>
bool receive_and_send(const Connection& connection, std::vector<char>& unsent) {
  const std::span<char> buffer = connection.buffer();
  const ssize_t received = recv(connection.fd(), buffer.data(), buffer.size(), 0);
  if (received < 0) return net::is_try_again(errno);
  if (received == 0) return false;
  net::request_work();
  return send_some(connection, buffer.first(static_cast<std::size_t>(received)), unsent);
}

/// Serves one client until it goes: the thread's function of lab 05, with a co_await where that one sleeps in
/// the kernel. What lives across a wait is in the frame, so the rest is in functions: a waiting client costs
/// the frame alone.
template <typename Connection>
Detached echo(Connection connection) {
  std::vector<char> unsent;  // received, not yet sent back; while there is any, nothing more is received
  for (;;) {
    co_await connection.readable();
    if (!receive_and_send(connection, unsent)) co_return;
    while (!unsent.empty()) {
      co_await connection.writable();
      if (!send_some(connection, unsent, unsent)) co_return;
    }
  }
}
