// fast-writer: sends numbered messages as fast as it can, and receives nothing.
//
// Run:       build/bin/slow-reader --port 9000           (labs/10-slow-reader/README.md tells the rest)
//            build/bin/fast-writer --port 9000
// Look for:  it runs, until both buffers are full; then send waits. When the reader has made room, it goes on
//            in a burst, and waits again. It finishes and closes first: the kernel delivers what is left.
// Waits:     every send is tried without waiting first (MSG_DONTWAIT), so it is known exactly when there was
//            no room. What then? --wait block: a send that waits. Otherwise it asks select, poll or epoll
//            whether there is room again, and has time for other work in between.
// Ends:      exit code 0 when the kernel has taken over everything; 1 when the connection broke, or when the
//            record could not be written. The last lines on stdout say what was sent, also then.

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/net/address.h"
#include "common/net/command_line.h"
#include "common/net/connection.h"
#include "common/net/server.h"
#include "common/net/system_error.h"
#include "common/timeline/observer.h"

namespace {

constexpr const char* program = "fast-writer";

struct Options {
  std::string host = "127.0.0.1";
  std::int64_t port = 9000;
  std::int64_t messages = 100'000;
  std::int64_t size = 64;
  std::int64_t send_buffer = 0;  // 0: the kernel's choice
  std::string wait = "block";
  std::string record;
};

// ---- Is there room to send? Four ways to ask, each without waiting (a timeout of 0).
// ----------------------------- An error of the connection counts as room: the next send will tell it.

using IsWritable = std::function<bool()>;

bool at_least_one(const char* call, int ready) {
  if (ready < 0 && errno != EINTR) throw net::SystemError(call);
  return ready > 0;
}

IsWritable ask_select(int fd) {
  // FD_SET with a higher number would write beyond the set (select(2)).
  if (fd >= FD_SETSIZE) throw net::SystemError("select", EBADF);
  return [fd] {
    fd_set writable{};
    FD_SET(fd, &writable);
    timeval no_time{};
    return at_least_one("select", select(fd + 1, nullptr, &writable, nullptr, &no_time));
  };
}

IsWritable ask_poll(int fd) {
  return [fd] {
    pollfd watched{.fd = fd, .events = POLLOUT, .revents = 0};
    return at_least_one("poll", poll(&watched, 1, 0));
  };
}

// `edge` is EPOLLET or 0. Level-triggered, "is there room?" is answered by what is; edge-triggered, by what
// has changed since the last answer. Here both are right, because it is asked only after EAGAIN: what has
// changed since can only be that there is room again. (A program that also waits for other things must take
// EPOLLOUT back: always-writable.cpp.)
IsWritable ask_epoll(int fd, std::uint32_t edge, const net::FileDescriptor& interest) {
  epoll_event wanted{.events = EPOLLOUT | edge, .data = {.fd = fd}};
  if (epoll_ctl(interest.fd(), EPOLL_CTL_ADD, fd, &wanted) < 0) throw net::SystemError("epoll_ctl");
  return [&interest] {
    epoll_event ready{};
    return at_least_one("epoll_wait", epoll_wait(interest.fd(), &ready, 1, 0));
  };
}

// Work that has nothing to do with the connection: it counts primes.
class OtherWork {
 public:
  std::int64_t units() const { return units_; }
  std::int64_t primes() const { return primes_; }

  // Tests 20 more numbers: a few microseconds, so the connection does not wait long.
  void do_a_unit() {
    for (const std::int64_t end = next_ + 20; next_ < end; ++next_) primes_ += is_prime(next_) ? 1 : 0;
    ++units_;
  }

 private:
  static bool is_prime(std::int64_t number) {
    for (std::int64_t divisor = 2; divisor * divisor <= number; ++divisor) {
      if (number % divisor == 0) return false;
    }
    return number > 1;
  }

  std::int64_t next_ = 0;
  std::int64_t primes_ = 0;
  std::int64_t units_ = 0;
};

class FastWriter {
 public:
  FastWriter(const net::FileDescriptor& connection, const Options& options, timeline::Transfer& transfer)
      : connection_(connection), options_(options), transfer_(transfer) {
    if (options.wait == "select") is_writable_ = ask_select(connection.fd());
    if (options.wait == "poll") is_writable_ = ask_poll(connection.fd());
    if (options.wait.starts_with("epoll")) {
      interest_ = net::FileDescriptor{epoll_create1(EPOLL_CLOEXEC)};
      if (!interest_) throw net::SystemError("epoll_create1");
      const std::uint32_t edge = options.wait == "epoll-edge" ? static_cast<std::uint32_t>(EPOLLET) : 0;
      is_writable_ = ask_epoll(connection.fd(), edge, interest_);
    }
  }

  const OtherWork& other_work() const { return work_; }

  // Throws net::SystemError when the connection breaks.
  void send_all() {
    std::vector<char> message(static_cast<std::size_t>(options_.size), '.');
    message.back() = '\n';
    for (std::int64_t number = 1; number <= options_.messages; ++number) {
      write_number(message, number);
      send_message(message);
    }
  }

 private:
  // In front: "000042....". A message of fewer than 11 bytes holds the last digits.
  static void write_number(std::span<char> message, std::int64_t number) {
    const std::size_t digits = std::min<std::size_t>(message.size(), 10);
    for (std::size_t place = digits; place-- > 0; number /= 10)
      message[place] = static_cast<char>('0' + number % 10);
  }

  // send may take less than it was given: it goes on with the rest.
  void send_message(std::span<const char> unsent) {
    while (!unsent.empty()) {
      ssize_t sent = send(connection_.fd(), unsent.data(), unsent.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) sent = send_when_there_is_room(unsent);
      if (sent < 0 && errno != EINTR) throw net::SystemError("send");
      if (sent <= 0) continue;
      transfer_.add_bytes(unsent.first(static_cast<std::size_t>(sent)));
      unsent = unsent.subspan(static_cast<std::size_t>(sent));
    }
    transfer_.add_message();
  }

  // Both buffers are full. Waits, and returns what send says then; 0: there is room, try again.
  ssize_t send_when_there_is_room(std::span<const char> unsent) {
    ssize_t sent = 0;
    transfer_.begin_wait();
    if (options_.wait == "block") {
      sent = send(connection_.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    } else {
      while (!is_writable_()) work_.do_a_unit();
    }
    const int error = errno;
    transfer_.end_wait();
    errno = error;
    return sent;
  }

  const net::FileDescriptor& connection_;
  const Options& options_;
  timeline::Transfer& transfer_;
  net::FileDescriptor interest_;  // of epoll
  IsWritable is_writable_;        // none with --wait block
  OtherWork work_;
};

// The size of the send buffer is set before connect; then the kernel does not tune it by itself (tcp(7)).
net::FileDescriptor connect_to(const std::vector<net::Address>& addresses, std::int64_t send_buffer) {
  return net::connect_to(addresses, [send_buffer](const net::FileDescriptor& connection) {
    if (send_buffer > 0) timeline::set_send_buffer(connection, send_buffer);
  });
}

// Sends everything, closes, says how it went. True if the kernel took over all.
bool transfer_all(net::FileDescriptor connection, const Options& options, timeline::Record& record) {
  const auto begin = std::chrono::steady_clock::now();
  timeline::Transfer transfer(record);
  record.add("connected", options.size);
  FastWriter writer(connection, options, transfer);
  std::optional<net::SystemError> failure;
  std::chrono::duration<double, std::milli> took{};
  {
    const std::string waiting = options.wait == "block" ? "blocked in send" : "no room to send";
    const timeline::Observer observer(program, timeline::Side::sender, connection, transfer, record, waiting);
    try {
      writer.send_all();
      record.add("finished", transfer.bytes());
    } catch (const net::SystemError& error) {
      record.add("error", error.error_number());
      failure = error;
    }
    took = std::chrono::steady_clock::now() - begin;
  }
  const std::chrono::duration<double, std::milli> blocked = transfer.waited_in_all();
  connection.close();  // returns at once: what is not delivered yet is now the kernel's business
  record.add("closed", transfer.bytes());
  if (failure) net::say(program, failure->what());
  fmt::print("did {} units of other work while waiting ({} primes found)\n", writer.other_work().units(),
             writer.other_work().primes());
  fmt::print("blocked {} times, {:.1f} ms in all, finished after {:.1f} ms\n", transfer.waits(),
             blocked.count(), took.count());
  fmt::print("{}\n", transfer.totals("sent"));
  return !failure;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  net::CommandLine line(program, "Sends numbered messages as fast as it can and receives nothing.");
  line.text("--host", options.host, "address or host name of the reader");
  line.number("--port", options.port, 1, 65535, "TCP port of the reader");
  line.number("--messages", options.messages, 0, 1'000'000'000, "how many messages");
  line.number("--size", options.size, 1, 1 << 20, "bytes of a message");
  line.number("--sndbuf", options.send_buffer, 1, 1 << 30,
              "ask for a send buffer of so many bytes; without it the kernel tunes it by itself");
  line.text("--wait", options.wait,
            "when there is no room: wait in send (block), or ask in one of the other ways",
            {"block", "select", "poll", "epoll", "epoll-edge"});
  line.text("--record", options.record, "write what happens to this file (CSV)");
  line.parse(argc, argv);
  return net::run_program(program, [&] {
    const auto reader = net::Address::resolve(options.host, static_cast<std::uint16_t>(options.port));
    timeline::Record record(program, options.record);
    const bool complete = transfer_all(connect_to(reader, options.send_buffer), options, record);
    record.save();
    return complete && record.is_whole() ? 0 : 1;
  });
}
