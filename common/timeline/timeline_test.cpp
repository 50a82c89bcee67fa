#include <doctest/doctest.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "common/net/connection.h"
#include "common/net/listener.h"
#include "common/testing/temporary_folder.h"
#include "common/timeline/live_display.h"
#include "common/timeline/record.h"
#include "common/timeline/socket_queues.h"
#include "common/timeline/transfer.h"

namespace {

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::int64_t time_of(const std::string& line) { return std::stoll(line.substr(0, line.find(','))); }

void set_buffers(const net::FileDescriptor& socket) {
  const int send = 65'536;
  const int receive = 4096;
  REQUIRE(setsockopt(socket.fd(), SOL_SOCKET, SO_SNDBUF, &send, sizeof(send)) == 0);
  REQUIRE(setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive)) == 0);
}

// Both ends of a connection with small buffers; the accepted end has its listener's.
struct Pair {
  Pair() {
    const net::FileDescriptor listener = net::open_listener(net::Address::resolve("127.0.0.1", 0));
    set_buffers(listener);
    peer = net::connect_to({net::Address::of_socket(listener.fd())}, set_buffers);
    ours = net::FileDescriptor(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(ours);
  }
  net::FileDescriptor ours, peer;
};

}  // namespace

TEST_CASE("a record's times never go back, whoever adds to it") {
  const testing::TemporaryFolder folder;
  {
    timeline::Record record("test", folder / "record.csv");
    const auto add = [&record] {
      for (int i = 0; i < 1000; ++i) record.add("event", i);
    };
    const std::jthread one(add), other(add), saving([&record] {
      for (int i = 0; i < 100; ++i) record.save();
    });
  }
  const std::vector<std::string> lines = lines_of(folder / "record.csv");
  REQUIRE(lines.size() == 2001);
  CHECK(lines.front() == "time_ns,event,value");
  for (std::size_t i = 2; i < lines.size(); ++i) REQUIRE(time_of(lines[i - 1]) <= time_of(lines[i]));
}

TEST_CASE("a record that is not asked for, or can't be written, disturbs nobody") {
  timeline::Record none;
  none.add("event", 1);
  none.save();
  CHECK(!none.is_on());
  CHECK(none.is_whole());
  const testing::TemporaryFolder folder;
  timeline::Record lost("test", folder / "missing/record.csv");
  CHECK(!lost.is_whole());
  lost.add("event", 1);
  lost.save();
  timeline::Record full("test", "/dev/full");
  CHECK(!full.is_whole());
}

TEST_CASE("a transfer's totals are made of all its bytes, and its waits are recorded in pairs") {
  const testing::TemporaryFolder folder;
  {
    timeline::Record record("test", folder / "record.csv");
    timeline::Transfer transfer(record);
    CHECK(transfer.totals("sent") == "sent 0 messages, 0 bytes, checksum 00000000");
    transfer.add_bytes(std::string("1234"));
    transfer.begin_wait();
    CHECK(transfer.waiting_for().count() > 0);
    transfer.end_wait();
    CHECK(transfer.waiting_for().count() == 0);
    transfer.add_bytes(std::string("56789"));
    transfer.add_message();
    // The check value of CRC-32 in every catalogue.
    CHECK(transfer.totals("sent") == "sent 1 messages, 9 bytes, checksum cbf43926");
    CHECK(transfer.waits() == 1);
    CHECK(transfer.waited_in_all().count() > 0);
  }
  const std::vector<std::string> lines = lines_of(folder / "record.csv");
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].ends_with(",blocked_begin,4"));
  CHECK(lines[2].ends_with(",blocked_end,4"));
}

TEST_CASE("both ends of a connection are seen, also the one that was closed") {
  Pair pair;
  const timeline::PeerSocket peer(pair.peer);
  const std::vector<char> bytes(60'000);
  REQUIRE(send(pair.ours.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT) == 60'000);
  // The last acknowledgement may be delayed (RFC 1122, section 4.2.3.2).
  const auto all_settled = [&pair] {
    return timeline::unacknowledged_bytes(pair.ours) + timeline::unread_bytes(pair.peer) == 60'000;
  };
  for (int i = 0; i < 1000 && !all_settled(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const std::int64_t unread = timeline::unread_bytes(pair.peer);
  CHECK(unread > 0);
  CHECK(timeline::unacknowledged_bytes(pair.ours) == 60'000 - unread);
  CHECK(timeline::unsent_bytes(pair.ours) <= 60'000 - unread);
  auto seen = peer.ask();
  if (!seen) {
    MESSAGE("this kernel does not tell about the peer's socket (sock_diag): skipped");
    return;
  }
  CHECK(seen->unacknowledged == 60'000 - unread);
  CHECK(seen->unread == 0);
  CHECK(seen->send_buffer == 131'072);
  CHECK(seen->receive_buffer == 8192);
  CHECK(!seen->has_closed);
  const timeline::PeerSocket other(pair.ours);
  CHECK(other.ask()->unread == unread);

  pair.ours.close();
  seen = peer.ask();
  REQUIRE(seen);
  CHECK(seen->has_closed);
  CHECK(seen->unacknowledged == 60'000 - unread + 1);  // the FIN counts as one
}

TEST_CASE("digits are grouped by three") {
  CHECK(timeline::grouped(0) == "0");
  CHECK(timeline::grouped(999) == "999");
  CHECK(timeline::grouped(1000) == "1,000");
  CHECK(timeline::grouped(1'234'567) == "1,234,567");
}
