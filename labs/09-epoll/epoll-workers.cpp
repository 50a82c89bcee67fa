// epoll-workers: several threads, each with an epoll loop of its own, that share the work of one address.
//
// Run:       build/bin/epoll-workers --port 9000 --workers 4 --sharing all|exclusive|port
//            then load it, and   kill -USR1 $(pgrep -f bin/epoll-work)   makes it print its counts on stderr
// Look for:  all        one listener in every epoll set: a new connection wakes all that wait and one
//                       gets it; for the others epoll_wait doesn't even return: woken in vain (the
//                       thundering herd)
//            exclusive  the same with EPOLLEXCLUSIVE: the kernel wakes one, or a few
//            port       a listener for each worker on the same port (SO_REUSEPORT): the kernel chooses by the
//                       client's address and port, whoever is idle or busy
// Compare:   diff labs/09-epoll/epoll.cpp labs/09-epoll/epoll-workers.cpp

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <deque>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "common/kernel/numbers.h"
#include "common/net/command_line.h"
#include "common/net/listener.h"
#include "common/net/pending_bytes.h"
#include "common/net/request_work.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

struct Connection {
  net::FileDescriptor socket;
  net::PendingBytes pending;  // received, not yet sent back; while there is any, nothing more is received
};

// Written by one worker, read by whoever prints them.
struct Counts {
  std::atomic<pid_t> thread{0};
  std::atomic<std::uint64_t> returns{0};  // of epoll_wait
  std::atomic<std::uint64_t> in_vain{0};  // the listener was reported, and nothing was there to accept
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> receives{0};
};

class Worker {
 public:
  Worker(int listener, std::uint32_t events) : listener_(listener) {
    if (!epoll_) throw net::SystemError("epoll_create1");
    if (!watch(listener_, events)) throw net::SystemError("watch listener");
  }

  void run() {
    std::array<epoll_event, 256> events{};
    counts_.thread = gettid();
    for (;;) {
      const int ready = epoll_wait(epoll_.fd(), events.data(), events.size(), -1);
      ++counts_.returns;
      if (ready < 0 && errno != EINTR) throw net::SystemError("epoll_wait");
      for (int i = 0; i < ready; ++i) {
        const int fd = events[index(i)].data.fd;  // closed only in its own turn, so still the one it was
        if (fd == listener_) {
          accept_waiting();
        } else {
          serve(fd);
        }
      }
    }
  }

  const Counts& counts() const { return counts_; }

 private:
  // Takes up to 64 of those that wait: a flood of clients must not keep the connected ones waiting.
  void accept_waiting() {
    for (int i = 0; i < 64; ++i) {
      net::FileDescriptor socket{accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
      if (!socket && i == 0 && errno == EAGAIN) ++counts_.in_vain;
      if (!socket && !spare_.accept_again(listener_, errno)) return;
      if (!socket) continue;
      net::disable_nagle(socket);
      const int fd = socket.fd();
      if (!watch(fd, EPOLLIN)) continue;
      at(fd).socket = std::move(socket);
      ++counts_.connections;
    }
  }

  void serve(int fd) {
    Connection& connection = at(fd);
    const bool was_writing = !connection.pending.empty();
    if (!echo(connection)) return forget(fd);
    const bool is_writing = !connection.pending.empty();
    if (is_writing != was_writing && !watch(fd, is_writing ? EPOLLOUT : EPOLLIN)) {
      throw net::SystemError("watch connection");
    }
  }

  // One turn: sends what is pending, or receives once and sends that back; what the socket doesn't take stays
  // pending. EAGAIN says that there is nothing to do now. False when the connection is over.
  bool echo(Connection& connection) {
    const bool was_pending = !connection.pending.empty();
    std::span<const char> unsent = connection.pending.bytes();
    if (!was_pending) {
      const ssize_t received = recv(connection.socket.fd(), buffer_.data(), buffer_.size(), 0);
      if (received < 0) return net::is_try_again(errno);
      if (received == 0) return false;
      ++counts_.receives;
      net::request_work();
      unsent = std::span(buffer_).first(static_cast<std::size_t>(received));
    }
    const ssize_t result = send(connection.socket.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (result < 0 && !net::is_try_again(errno)) return false;
    const std::size_t sent = result < 0 ? 0 : static_cast<std::size_t>(result);
    if (was_pending) {
      connection.pending.consume(sent);
    } else {
      connection.pending.append(unsent.subspan(sent));
    }
    return true;
  }

  // False if it can't be watched, and errno says why.
  bool watch(int fd, std::uint32_t events) {
    const int operation = at(fd).socket ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    epoll_event event{.events = events, .data = {.fd = fd}};
    return epoll_ctl(epoll_.fd(), operation, fd, &event) == 0;  // a user may watch so many: epoll(7)
  }

  void forget(int fd) {
    // close also takes it out of the epoll set
    at(fd) = Connection{};
  }

  Connection& at(int fd) {
    if (connections_.size() <= index(fd)) connections_.resize(index(fd) + 1);
    return connections_[index(fd)];
  }

  static std::size_t index(int fd) { return static_cast<std::size_t>(fd); }

  const int listener_;
  std::vector<Connection> connections_;  // the descriptor is the index
  net::FileDescriptor epoll_{epoll_create1(EPOLL_CLOEXEC)};
  net::SpareDescriptor spare_;
  std::array<char, 16 * 1024> buffer_{};  // one for all: between two turns it holds nothing
  Counts counts_;
};

struct Options {
  std::int64_t workers = 2;
  std::string sharing = "exclusive";
};

// How often a thread has gone to sleep and been woken: its voluntary context switches (proc_pid_status(5)).
std::int64_t times_woken(pid_t thread) {
  const std::string status = fmt::format("/proc/self/task/{}/status", thread);
  return kernel::number_behind("voluntary_ctxt_switches:", status).value_or(0);
}

void print_counts(const std::deque<Worker>& workers) {
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const Counts& counts = workers[i].counts();
    net::say("epoll-workers",
             fmt::format("worker {}: woken {} times, epoll_wait returned {} times, {} accepts in vain; "
                         "{} connections, {} receives",
                         i + 1, times_woken(counts.thread), counts.returns.load(), counts.in_vain.load(),
                         counts.connections.load(), counts.receives.load()));
  }
}

// Signals are blocked in all threads, and this one takes them as they come (sigwaitinfo): no handler, no
// race.
[[noreturn]] void answer_signals(const sigset_t& awaited, const std::deque<Worker>& workers) {
  for (;;) {
    const int signal = sigwaitinfo(&awaited, nullptr);
    if (signal == SIGUSR1) print_counts(workers);
    if (signal == SIGTERM || signal == SIGINT) _exit(0);
  }
}

sigset_t block_signals() {
  sigset_t signals{};
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, signal);
  const int error = pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  if (error != 0) throw net::SystemError("pthread_sigmask", error);
  return signals;
}

[[noreturn]] void serve(const Options& options, const net::ListenOptions& listen) {
  const sigset_t signals = block_signals();
  const bool own_listeners = options.sharing == "port";
  const std::uint32_t events = options.sharing == "exclusive" ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN;
  std::deque<net::FileDescriptor> listeners;
  std::deque<Worker> workers;  // a deque: those that are there stay where they are
  std::vector<std::jthread> threads;
  listeners.push_back(listen.listen_and_announce(own_listeners));
  const net::Address address = net::Address::of_socket(listeners.front().fd());
  for (std::int64_t i = 0; i < options.workers; ++i) {
    if (own_listeners && i > 0) listeners.push_back(net::open_listener(address, true));
    net::set_nonblocking(listeners.back());
    workers.emplace_back(listeners.back().fd(), events);
  }
  for (Worker& worker : workers) {
    threads.emplace_back([&worker] {
      try {
        worker.run();
      } catch (const std::exception& error) {
        net::say("epoll-workers", error.what());
        _exit(1);
      }
    });
  }
  answer_signals(signals, workers);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  net::CommandLine line("epoll-workers",
                        "Echo server: several threads, each with a level-triggered epoll loop.");
  const net::ListenOptions listen(line);
  const net::RequestWork work(line);
  line.number("--workers", options.workers, 1, 256, "threads");
  line.text("--sharing", options.sharing, "how they share new connections", {"all", "exclusive", "port"});
  line.parse(argc, argv);
  return net::run_program("epoll-workers", [&]() -> int {
    work.begin();
    serve(options, listen);
  });
}
