// slow-reader: reads one message at a time and sleeps after each. Whoever sends to it soon has to wait.
//
// Run:       build/bin/slow-reader --port 9000           (labs/10-slow-reader/README.md tells the rest)
//            build/bin/fast-writer --port 9000
// Look for:  the writer finishes and closes long before this end has read all. What is left then lies in the
//            kernel, first in both queues, at last in this one's; it is read to the last byte. The totals and
//            checksums of both ends are the same.
// Ends:      exit code 0 after the end of the stream; 1 when the connection was reset, when the stream ended
//            inside a message, or when the record could not be written. The last line on stdout says what was
//            received.

#include <fmt/format.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "common/net/command_line.h"
#include "common/net/listener.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "common/timeline/observer.h"

namespace {

constexpr const char* program = "slow-reader";

struct Options {
  std::string host = "127.0.0.1";
  std::int64_t port = 9000;
  std::int64_t size = 64;
  std::int64_t sleep_us = 100;
  std::int64_t receive_buffer = 0;  // 0: the kernel's choice
  std::string record;
};

// The size of the receive buffer is set on the listener, before anybody can connect: a connection inherits
// it, and what its window may grow to is agreed on in the handshake (tcp(7)).
net::FileDescriptor listen_and_announce(const Options& options) {
  net::FileDescriptor listener =
      net::open_listener(net::Address::resolve(options.host, static_cast<std::uint16_t>(options.port)));
  if (options.receive_buffer > 0) timeline::set_receive_buffer(listener, options.receive_buffer);
  fmt::print("listening on {}\n", net::Address::of_socket(listener.fd()).to_string());
  if (std::fflush(stdout) != 0) throw net::SystemError("write to stdout");
  return listener;
}

net::FileDescriptor accept_one(const net::FileDescriptor& listener) {
  for (;;) {
    net::FileDescriptor connection{accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (connection) return connection;
    if (errno != EINTR && errno != ECONNABORTED) throw net::SystemError("accept4");
  }
}

class SlowReader {
 public:
  SlowReader(const net::FileDescriptor& connection, const Options& options, timeline::Transfer& transfer)
      : connection_(connection),
        sleep_(options.sleep_us),
        message_(static_cast<std::size_t>(options.size)),
        transfer_(transfer) {}

  // To the end of the stream. Throws net::SystemError when the connection breaks.
  void read_all() {
    while (read_message()) {
      if (sleep_.count() > 0) std::this_thread::sleep_for(sleep_);
    }
  }

  // Bytes after the last whole message: none if the stream ended where a message did.
  std::size_t rest() const { return rest_; }

 private:
  // A stream has no message boundaries: a read may return less than a message, so it goes on until that is
  // whole.
  bool read_message() {
    std::span<char> missing = message_;
    while (!missing.empty()) {
      const ssize_t got = recv(connection_.fd(), missing.data(), missing.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) rest_ = message_.size() - missing.size();
      if (got < 0) throw net::SystemError("recv");
      if (got == 0) return false;
      const auto count = static_cast<std::size_t>(got);
      transfer_.add_bytes(missing.first(count));
      missing = missing.subspan(count);
    }
    transfer_.add_message();
    return true;
  }

  const net::FileDescriptor& connection_;
  std::chrono::microseconds sleep_;
  std::vector<char> message_;
  timeline::Transfer& transfer_;
  std::size_t rest_ = 0;
};

// Reads all of one connection and says what came. True if that was whole.
bool serve(const net::FileDescriptor& connection, const Options& options, timeline::Record& record) {
  timeline::Transfer transfer(record);
  record.add("connected", options.size);
  SlowReader reader(connection, options, transfer);
  std::optional<net::SystemError> failure;
  {
    const timeline::Observer observer(program, timeline::Side::receiver, connection, transfer, record);
    try {
      reader.read_all();
      record.add("end_of_stream", transfer.bytes());
    } catch (const net::SystemError& error) {
      record.add("error", error.error_number());
      failure = error;
    }
  }
  if (failure) net::say(program, failure->what());
  if (reader.rest() > 0) {
    net::say(program, fmt::format("the stream ended inside a message: only {} of {} bytes came",
                                  reader.rest(), options.size));
  }
  fmt::print("{}\n", transfer.totals("received"));
  return !failure && reader.rest() == 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  net::CommandLine line(program, "Reads one message at a time from one connection, and sleeps after each.");
  line.text("--host", options.host, "address or host name to listen on");
  line.number("--port", options.port, 0, 65535, "TCP port to listen on; 0 takes a free one");
  line.number("--size", options.size, 1, 1 << 20, "bytes of a message");
  line.number("--sleep-us", options.sleep_us, 0, 10'000'000,
              "microseconds of sleep after each message; the kernel adds some 50 to them");
  line.number("--rcvbuf", options.receive_buffer, 1, 1 << 30,
              "ask for a receive buffer of so many bytes; without it the kernel tunes it by itself");
  line.text("--record", options.record, "write what happens to this file (CSV)");
  line.parse(argc, argv);
  return net::run_program(program, [&] {
    net::exit_on_signal();
    timeline::Record record(program, options.record);
    net::FileDescriptor listener = listen_and_announce(options);
    const net::FileDescriptor connection = accept_one(listener);
    listener.close();  // one connection: a second client is to be refused, not to wait
    const bool whole = serve(connection, options, record);
    record.save();
    return whole && record.is_whole() ? 0 : 1;
  });
}
