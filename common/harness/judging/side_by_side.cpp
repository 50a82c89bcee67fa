#include "common/harness/judging/side_by_side.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <list>
#include <utility>

#include "common/harness/processes/process_usage.h"
#include "common/harness/records/json.h"
#include "common/net/file_descriptor.h"
#include "common/net/system_error.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t at_once = 6;
constexpr auto time_for_one = 60s;
constexpr auto time_to_leave = 3s;  // for ending its server, when it was told to end

// What a check's process tells its parent, as JSON.
std::string finding_or_error(const Behaviour& behaviour, const Target& target,
                             const Interruption& interruption) {
  JsonObject json;
  try {
    const Finding finding = find_out(behaviour, target, interruption);
    json.text("answer", word(finding.answer));
    json.text("evidence", finding.evidence);
    json.text("often_the_cause", finding.often_the_cause);
  } catch (const std::exception& error) {
    json.text("error", error.what());
  }
  return json.dump();
}

void write_all(int fd, const std::string& text) {
  for (std::size_t written = 0; written < text.size();) {
    const ssize_t result = write(fd, text.data() + written, text.size() - written);
    if (result < 0 && errno != EINTR) return;  // the parent is gone, and with it who would be told
    if (result > 0) written += static_cast<std::size_t>(result);
  }
}

// A server may have gone into the background, or left children.
void end_what_is_left() {
  for (auto left = living_descendants(); !left.empty(); left = living_descendants()) {
    for (const pid_t pid : left) kill(pid, SIGKILL);
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

// A check while it runs in a process of its own.
class CheckProcess {
 public:
  CheckProcess(const Behaviour& behaviour, const Target& target, const Interruption& interruption) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) < 0) throw net::SystemError("pipe2", errno);
    said_ = net::FileDescriptor{ends[0]};
    const net::FileDescriptor say{ends[1]};
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ < 0) throw net::SystemError("fork", errno);
    if (pid_ > 0) {
      time_ = Patience(pid_, time_for_one);
      return;
    }
    // What its server leaves behind becomes its child, and is found (PR_SET_CHILD_SUBREAPER(2const)).
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || getppid() != parent)
      _exit(1);
    const std::string said = finding_or_error(behaviour, target, interruption);
    end_what_is_left();
    write_all(say.fd(), said);
    _exit(0);
  }
  CheckProcess(const CheckProcess&) = delete;
  CheckProcess& operator=(const CheckProcess&) = delete;
  ~CheckProcess() {
    tell_to_end();
    while (!ended_) {
      pollfd more{.fd = said_.fd(), .events = POLLIN, .revents = 0};
      if (poll(&more, 1, 100) < 0 && errno != EINTR) break;
      read_on();
      if (Clock::now() > told_ + time_to_leave) kill(pid_, SIGKILL);
    }
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  int fd() const { return said_.fd(); }
  bool is_late() { return time_.over(); }
  bool ended() const { return ended_; }

  // Takes what it has said; the end of that is its end.
  void read_on() {
    std::array<char, 4096> bytes;
    const ssize_t result = read(said_.fd(), bytes.data(), bytes.size());
    if (result > 0) text_.append(bytes.data(), static_cast<std::size_t>(result));
    if (result == 0) ended_ = true;
  }

  // It ends its server first. The end of what it says follows.
  void tell_to_end() {
    if (ended_ || told_ != Clock::time_point::max()) return;
    told_ = Clock::now();
    kill(pid_, SIGTERM);
  }

  // Once it has ended. Throws ServerError if there was no server to be asked.
  Finding finding() const {
    const auto fields = parse_flat_json(text_);
    if (!fields) {
      return {.answer = Answer::not_applicable, .evidence = "the check itself ended without an answer"};
    }
    if (told_ != Clock::time_point::max()) {
      return {.answer = Answer::not_applicable,
              .evidence = fmt::format("not done within {} s in which it could have run", time_for_one / 1s)};
    }
    if (const auto error = fields->find("error"); error != fields->end()) throw ServerError(error->second);
    const std::string& answer = fields->at("answer");
    Finding finding{.evidence = fields->at("evidence"), .often_the_cause = fields->at("often_the_cause")};
    for (const Answer each : {Answer::yes, Answer::no}) {
      if (word(each) == answer) finding.answer = each;
    }
    return finding;
  }

 private:
  net::FileDescriptor said_;
  pid_t pid_ = -1;
  std::string text_;
  Patience time_{std::nullopt, time_for_one};
  Clock::time_point told_ = Clock::time_point::max();
  bool ended_ = false;
};

struct Running {
  Running(const Behaviour& behaviour, Row& of, Finding& answer, const Interruption& interruption)
      : process(behaviour, of.target, interruption), row(of), finding(answer) {}
  CheckProcess process;
  Row& row;
  Finding& finding;  // where its answer goes: in the row
};

// A server that never starts can't be judged: none of its checks has an answer, and it is not one alone that
// had none to ask.
bool never_starts(const Row& row) {
  std::size_t without = 0;
  std::size_t answered = 0;
  for (const Finding& finding : row.findings) {
    if (finding.no_server) {
      ++without;
    } else if (!finding.evidence.empty()) {
      ++answered;
    }
  }
  return answered == 0 && without >= std::min<std::size_t>(2, row.findings.size());
}

void take_answer(Running& check) {
  try {
    check.finding = check.process.finding();
  } catch (const ServerError& error) {
    check.finding = {
        .evidence = fmt::format("it was started for other checks, not for this one: {}", error.what()),
        .no_server = true};
    if (never_starts(check.row)) throw;
  }
}

// Waits until one of them says something, at most for a second; takes what there is, and ends who is late.
void wait_for_some(std::list<Running>& running, const Interruption& interruption) {
  std::vector<pollfd> waits{{.fd = interruption.fd(), .events = POLLIN, .revents = 0}};
  for (const Running& check : running)
    waits.push_back({.fd = check.process.fd(), .events = POLLIN, .revents = 0});
  if (poll(waits.data(), waits.size(), 1000) < 0 && errno != EINTR) throw net::SystemError("poll", errno);
  interruption.check();
  std::size_t i = 1;
  for (Running& check : running) {
    if (waits[i++].revents != 0) check.process.read_on();
    if (check.process.is_late()) check.process.tell_to_end();
  }
}

}  // namespace

std::vector<Row> judge(const std::vector<Target>& targets, const std::vector<const Behaviour*>& asked,
                       const Interruption& interruption,
                       const std::function<void(const std::string&)>& begin) {
  std::vector<Row> rows;
  for (const Target& target : targets)
    rows.push_back({.target = target, .asked = asked, .findings = std::vector<Finding>(asked.size())});
  std::list<Running> running;
  const auto finish_some = [&] {
    wait_for_some(running, interruption);
    for (auto check = running.begin(); check != running.end();) {
      if (!check->process.ended()) {
        ++check;
        continue;
      }
      take_answer(*check);
      check = running.erase(check);
    }
  };
  for (Row& row : rows) {
    const std::size_t most = row.target.running_at ? 1 : at_once;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      while (running.size() >= most) finish_some();
      begin(fmt::format("{}: {}", row.target.name, asked[i]->name));
      running.emplace_back(*asked[i], row, row.findings[i], interruption);
    }
  }
  while (!running.empty()) finish_some();
  return rows;
}

}  // namespace harness
