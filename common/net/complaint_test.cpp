#include "common/net/complaint.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <csignal>
#include <string>

#include "common/net/file_descriptor.h"

using net::FileDescriptor;

namespace {

// A pipe stands for stderr while this lives.
class StderrInPipe {
 public:
  StderrInPipe() : before_(dup(STDERR_FILENO)) {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    reader_ = FileDescriptor(ends[0]);
    const FileDescriptor writer(ends[1]);
    REQUIRE(dup2(writer.fd(), STDERR_FILENO) == STDERR_FILENO);
    net::set_nonblocking(reader_);
  }
  ~StderrInPipe() { dup2(before_.fd(), STDERR_FILENO); }
  StderrInPipe(const StderrInPipe&) = delete;
  StderrInPipe& operator=(const StderrInPipe&) = delete;

  void close_reader() { reader_.close(); }

  std::string read_all() const {
    std::string all;
    std::array<char, 4096> piece{};
    for (ssize_t count = 0; (count = read(reader_.fd(), piece.data(), piece.size())) > 0;) {
      all.append(piece.data(), static_cast<std::size_t>(count));
    }
    return all;
  }

 private:
  FileDescriptor before_;
  FileDescriptor reader_;
};

}  // namespace

TEST_CASE("what is said is one line behind the program's name") {
  const StderrInPipe err;
  net::say("server", "connection refused");
  CHECK(err.read_all() == "server: connection refused\n");
}

TEST_CASE("a line may be said without a name before it") {
  const StderrInPipe err;
  net::say("accept returned 4");
  CHECK(err.read_all() == "accept returned 4\n");
}

TEST_CASE("saying never waits for a reader: what has no room is dropped, as a whole line") {
  const StderrInPipe err;
  for (int i = 0; i < 10'000; ++i) net::say("server", "connection refused");  // 280 kB, the pipe holds 64
  const std::string said = err.read_all();
  CHECK(said.size() > 50'000);
  CHECK(said.size() <= 65'536);
  CHECK(said.ends_with("server: connection refused\n"));
  net::say("server", "there is room again");
  CHECK(err.read_all() == "server: there is room again\n");
}

TEST_CASE("a line that is longer than a pipe takes at once is cut") {
  const StderrInPipe err;
  net::say("server", std::string(10'000, 'x'));
  const std::string said = err.read_all();
  CHECK(said.size() <= PIPE_BUF);
  CHECK(said.size() >= PIPE_BUF - 1);
  CHECK(said.ends_with("x\n"));
}

TEST_CASE("saying something to nobody is no error") {
  StderrInPipe err;
  err.close_reader();
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  CHECK_NOTHROW(net::say("server", "connection refused"));
  std::signal(SIGPIPE, before);
}

TEST_CASE("a complaint is said the first time, and each for itself") {
  const StderrInPipe err;
  net::Complaint refusal;
  net::Complaint shortage;
  for (int i = 0; i < 3; ++i) refusal.say("refused");
  shortage.say("short of memory");
  CHECK(err.read_all() == "common-tests: refused (said once)\ncommon-tests: short of memory (said once)\n");
}
