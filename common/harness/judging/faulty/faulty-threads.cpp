// faulty-threads: an echo server with a thread for each client that is right but for one fault, chosen by
// --fault.
//
// Run:       build/test/faulty-threads --port 9000 --fault joinable
//            build/bin/harness check -- build/test/faulty-threads --port {port} --fault joinable
// Look for:  a no where faults.csv says so, and yes everywhere else: a judge that has never said no proves
// nothing.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "common/harness/judging/faulty/faulty_servers.h"
#include "common/net/file_descriptor.h"
#include "common/net/listener.h"
#include "common/net/system_error.h"

namespace harness {
namespace {

/// The right server: a detached thread for each client, blocking calls.
class ThreadServer {
 public:
  explicit ThreadServer(net::FileDescriptor listener) : listener_(std::move(listener)) {}
  ThreadServer(const ThreadServer&) = delete;
  ThreadServer& operator=(const ThreadServer&) = delete;
  virtual ~ThreadServer() = default;

  void run() {
    for (;;) {
      if (net::FileDescriptor socket = accept_one()) {
        net::disable_nagle(socket);
        begin(std::move(socket));
      }
    }
  }

 protected:
  virtual void begin(net::FileDescriptor socket) { thread_for(std::move(socket)).detach(); }

  /// The whole of a conversation, in its own thread.
  virtual void converse(const net::FileDescriptor& socket) {
    std::array<char, 16 * 1024> buffer;
    while (echo(socket, buffer)) {
    }
  }

  // One turn. False when the connection is over.
  virtual bool echo(const net::FileDescriptor& socket, std::span<char> buffer) {
    const ssize_t received = recv(socket.fd(), buffer.data(), buffer.size(), 0);
    if (received < 0) return after_error();
    return received > 0 && send_all(socket, buffer.first(static_cast<std::size_t>(received)));
  }
  virtual bool after_error() { return net::is_try_again(errno); }

  virtual bool send_all(const net::FileDescriptor& socket, std::span<const char> unsent) {
    while (!unsent.empty()) {
      const ssize_t sent = send(socket.fd(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EINTR) return false;
      if (sent > 0) unsent = unsent.subspan(static_cast<std::size_t>(sent));
    }
    return true;
  }

  std::thread thread_for(net::FileDescriptor socket) {
    return std::thread([this, own = std::move(socket)] { converse(own); });
  }

  // How many clients are here. One that has left doesn't count, even if its thread hasn't come to see it.
  int clients_here() const {
    int here = 0;
    for (int fd = 0; fd <= highest_; ++fd) {
      tcp_info info{};
      socklen_t size = sizeof(info);
      if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_ESTABLISHED)
        ++here;
    }
    return here;
  }

 private:
  net::FileDescriptor accept_one() {
    net::FileDescriptor socket{accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!socket) spare_.accept_again(listener_.fd(), errno);
    highest_ = std::max(highest_, socket.fd());
    return socket;
  }

  const net::FileDescriptor listener_;
  net::SpareDescriptor spare_;
  int highest_ = -1;  // of the clients' descriptors
};

// Stands for threads that are neither joined nor detached: each leaves its stack.
class NeverJoins : public ThreadServer {
 public:
  using ThreadServer::ThreadServer;

 protected:
  void begin(net::FileDescriptor socket) override { left_.push_back(thread_for(std::move(socket))); }

 private:
  std::vector<std::thread> left_;
};

// Stands for threads that wait for something that never comes, when their client has gone.
class ThreadsNeverEnd : public ThreadServer {
 public:
  using ThreadServer::ThreadServer;

 protected:
  void converse(const net::FileDescriptor& socket) override {
    ThreadServer::converse(socket);
    shutdown(socket.fd(), SHUT_RDWR);
    for (;;) pause();
  }
};

// Stands for `std::thread(serve, std::ref(connection))`: the thread looks at the variable of the accept loop
// when it comes to run, and then it means another client. Here it comes to run late once many are there.
class TakesTheLoopsVariable : public ThreadServer {
 public:
  using ThreadServer::ThreadServer;

 protected:
  void begin(net::FileDescriptor socket) override {
    const bool late = clients_here() > 61;
    if (late && late_) {
      const int newer = late_.fd();
      ThreadServer::begin(net::FileDescriptor{dup(newer)});  // two threads for one client, none for the other
      left_.push_back(std::move(socket));
    } else {
      if (late) late_ = net::FileDescriptor{dup(socket.fd())};
      ThreadServer::begin(std::move(socket));
    }
  }

 private:
  net::FileDescriptor late_;
  std::vector<net::FileDescriptor> left_;
};

// Stands for one buffer that all threads share, as a static variable is. Here those share it that come when
// sixty are there; which ones is decided where they are accepted, so that it doesn't depend on when a thread
// comes to run.
class SharesABuffer : public ThreadServer {
 public:
  using ThreadServer::ThreadServer;

 protected:
  void begin(net::FileDescriptor socket) override {
    const int here = clients_here();
    shares_.at(static_cast<std::size_t>(socket.fd())) = here > 60 && here < 75;
    ThreadServer::begin(std::move(socket));
  }
  void converse(const net::FileDescriptor& socket) override {
    std::array<char, 16 * 1024> own;
    const bool shares = shares_.at(static_cast<std::size_t>(socket.fd()));
    while (echo(socket, shares ? std::span<char>(shared_) : own)) {
    }
  }
  bool send_all(const net::FileDescriptor& socket, std::span<const char> unsent) override {
    if (unsent.data() == shared_.data()) usleep(5000);  // as long as it takes another thread to come
    return ThreadServer::send_all(socket, unsent);
  }

 private:
  std::array<bool, 65'536> shares_{};  // by the number of the client's descriptor
  std::array<char, 16 * 1024> shared_{};
};

// Stands for a pool with as many threads as seemed enough: who comes then waits until another leaves.
class PoolOfThirtyTwo : public ThreadServer {
 public:
  explicit PoolOfThirtyTwo(net::FileDescriptor listener) : ThreadServer(std::move(listener)) {
    for (int i = 0; i < 32; ++i) std::thread([this] { work(); }).detach();
  }

 protected:
  void begin(net::FileDescriptor socket) override {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(socket));
    arrived_.notify_one();
  }

 private:
  void work() {
    for (;;) converse(next());
  }
  net::FileDescriptor next() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !waiting_.empty(); });
    net::FileDescriptor socket = std::move(waiting_.front());
    waiting_.pop_front();
    return socket;
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<net::FileDescriptor> waiting_;
};

// Stands for a lock that is held while sending, for a log or a table that all share.
class SendsUnderALock : public ThreadServer {
 public:
  using ThreadServer::ThreadServer;

 protected:
  bool send_all(const net::FileDescriptor& socket, std::span<const char> unsent) override {
    const std::scoped_lock lock(mutex_);
    return ThreadServer::send_all(socket, unsent);
  }

 private:
  std::mutex mutex_;
};

// Stands for a time limit that a slow client meets: it is cut off in the middle of its bytes.
class CutsOffWhoReadsSlowly : public ThreadServer {
 public:
  using ThreadServer::ThreadServer;

 protected:
  void converse(const net::FileDescriptor& socket) override {
    const timeval limit{.tv_sec = 0, .tv_usec = 50'000};
    if (setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0) return;
    ThreadServer::converse(socket);
  }
};

// Stands for taking an interrupted call for the end. With a time limit on the socket, recv is interrupted by
// SIGSTOP and SIGCONT too (signal(7)).
class TakesEintrForTheEnd : public ThreadServer {
 public:
  using ThreadServer::ThreadServer;

 protected:
  void converse(const net::FileDescriptor& socket) override {
    const timeval limit{.tv_sec = 3600, .tv_usec = 0};
    if (setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0) return;
    ThreadServer::converse(socket);
  }
  bool after_error() override { return false; }
};

// Stands for an exception that leaves its thread: std::terminate ends all of them.
class ThrowsAtAReset : public ThreadServer {
 public:
  using ThreadServer::ThreadServer;

 protected:
  bool after_error() override { throw net::SystemError("recv", errno); }
  bool send_all(const net::FileDescriptor& socket, std::span<const char> unsent) override {
    if (!ThreadServer::send_all(socket, unsent)) throw net::SystemError("send", errno);
    return true;
  }
};

// Stands for a socket that every way out of the conversation closes but one: here, that of a reset.
class KeepsWhatWasReset : public ThreadServer {
 public:
  using ThreadServer::ThreadServer;

 protected:
  bool echo(const net::FileDescriptor& socket, std::span<char> buffer) override {
    const ssize_t received = recv(socket.fd(), buffer.data(), buffer.size(), 0);
    if (received < 0) forgotten_ = dup(socket.fd());
    return received > 0 && send_all(socket, buffer.first(static_cast<std::size_t>(received)));
  }

 private:
  std::atomic<int> forgotten_ = -1;
};

const FaultyServers servers{
    {"none", serve_as<ThreadServer>},
    {"cuts-off-who-reads-slowly", serve_as<CutsOffWhoReadsSlowly>},
    {"keeps-what-was-reset", serve_as<KeepsWhatWasReset>},
    {"never-joins", serve_as<NeverJoins>},
    {"pool-of-thirty-two", serve_as<PoolOfThirtyTwo>},
    {"sends-under-a-lock", serve_as<SendsUnderALock>},
    {"shares-a-buffer", serve_as<SharesABuffer>},
    {"takes-eintr-for-the-end", serve_as<TakesEintrForTheEnd>},
    {"takes-the-loops-variable", serve_as<TakesTheLoopsVariable>},
    {"threads-never-end", serve_as<ThreadsNeverEnd>},
    {"throws-at-a-reset", serve_as<ThrowsAtAReset>},
};

}  // namespace
}  // namespace harness

int main(int argc, char** argv) {
  return harness::run_faulty_server(argc, argv, "An echo server with threads, right but for one fault.",
                                    harness::servers);
}
