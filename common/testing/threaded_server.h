#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/net/address.h"
#include "common/net/file_descriptor.h"
#include "common/net/listener.h"

namespace testing {

/// The server's end of a connection: what it has received so far, and what is to go back.
struct Peer {
  net::FileDescriptor socket;
  std::string name;           ///< in the conversation of the test
  std::uint32_t address = 0;  ///< IPv4
  std::size_t received = 0;
  std::string unsent;
  bool close_when_sent = false;
  bool over = false;
};

/// What a server does with the bytes that have just come.
using Manners = std::function<void(Peer&, const std::string& bytes)>;

void echo(Peer& peer, const std::string& bytes);

/// A server for a test of clients, whose manners are the test's. Serves in a thread of its own until it is
/// stopped; what it has seen may be looked at after that. Who comes and goes stands in the conversation of
/// the test.
class ThreadedServer {
 public:
  explicit ThreadedServer(Manners manners);
  ~ThreadedServer();
  ThreadedServer(const ThreadedServer&) = delete;
  ThreadedServer& operator=(const ThreadedServer&) = delete;

  net::Address address() const { return net::Address::of_socket(listener_.fd()); }
  std::uint64_t bytes_received() const { return bytes_received_; }
  const std::vector<Peer>& stop();

 private:
  void run();
  void accept_one();
  void serve(Peer& peer);
  void receive(Peer& peer);
  void send(Peer& peer);
  static void end(Peer& peer, const std::string& how);

  Manners manners_;
  net::FileDescriptor listener_ = net::open_listener(net::Address::resolve("127.0.0.1", 0));
  net::FileDescriptor stop_;
  std::vector<Peer> peers_;
  std::atomic<std::uint64_t> bytes_received_ = 0;
  std::thread thread_;
};

}  // namespace testing
