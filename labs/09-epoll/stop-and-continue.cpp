// stop-and-continue: which waiting calls come back with EINTR after SIGSTOP and SIGCONT, without any handler.
//
// Run:       build/bin/stop-and-continue
// Look for:  a process in each of these calls is stopped and goes on, as with Ctrl-Z and fg, or under a
// debugger.
//            Most calls begin again by themselves. epoll_wait doesn't, nor does a recv with a time limit: a
//            loop that takes EINTR for an error ends there. Source: signal(7), "Interruption of system calls
//            and library functions by stop signals". Exit code 1 if it is not as described.

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "common/demonstration/connected_pair.h"
#include "common/net/command_line.h"
#include "common/net/listener.h"
#include "common/net/server.h"
#include "common/net/system_error.h"

namespace {

// The kernel's letter for the process: S sleeps, Z has ended. It stands behind the name in parentheses
// (proc(5)).
char state_of(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string line;
  std::getline(file, line);
  const std::size_t name_ends = line.rfind(')');
  return name_ends == std::string::npos ? '?' : line.at(name_ends + 2);
}

void wait_until_it_sleeps_or_has_ended(pid_t process) {
  for (char state = '?'; state != 'S' && state != 'Z'; state = state_of(process)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void stop_and_continue(pid_t process) {
  if (kill(process, SIGSTOP) < 0) throw net::SystemError("kill");
  if (waitpid(process, nullptr, WUNTRACED) < 0) throw net::SystemError("waitpid");
  // Is awake when kill returns. A waitpid for that (WCONTINUED) could find it ended already, and reap it.
  if (kill(process, SIGCONT) < 0) throw net::SystemError("kill");
}

// True if the call, in a child that is stopped and goes on, comes back with EINTR; false if it waits again.
bool is_interrupted(const std::function<int()>& call) {
  const pid_t child = fork();
  if (child < 0) throw net::SystemError("fork");
  if (child == 0) _exit(call() < 0 && errno == EINTR ? 0 : 1);
  wait_until_it_sleeps_or_has_ended(child);
  stop_and_continue(child);
  wait_until_it_sleeps_or_has_ended(child);
  kill(child, SIGKILL);
  int status = 0;
  if (waitpid(child, &status, 0) < 0) throw net::SystemError("waitpid");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int run() {
  const auto pair = demonstration::connected_pair();
  const auto impatient = demonstration::connected_pair();
  const net::FileDescriptor listener = net::open_listener(net::Address::resolve("127.0.0.1", 0));
  const net::FileDescriptor epoll{epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll) throw net::SystemError("epoll_create1");
  const timeval minute{.tv_sec = 60, .tv_usec = 0};
  if (setsockopt(impatient.ours.fd(), SOL_SOCKET, SO_RCVTIMEO, &minute, sizeof(minute)) < 0) {
    throw net::SystemError("setsockopt SO_RCVTIMEO");
  }
  const auto receive = [](int fd) {
    char byte = 0;
    return static_cast<int>(recv(fd, &byte, 1, 0));
  };
  const struct {
    const char* name;
    bool is_interrupted;
    std::function<int()> call;
  } calls[] = {
      {"recv", false, [&] { return receive(pair.ours.fd()); }},
      {"recv with SO_RCVTIMEO", true, [&] { return receive(impatient.ours.fd()); }},
      {"accept", false, [&] { return accept(listener.fd(), nullptr, nullptr); }},
      {"select", false, [] { return select(0, nullptr, nullptr, nullptr, nullptr); }},
      {"poll", false, [] { return poll(nullptr, 0, -1); }},
      {"epoll_wait", true,
       [&] {
         epoll_event event{};
         return epoll_wait(epoll.fd(), &event, 1, -1);
       }},
  };
  bool all_as_described = true;
  for (const auto& [name, expected, call] : calls) {
    const bool found = is_interrupted(call);
    fmt::print("{:<22} {}{}\n", name, found ? "comes back with EINTR" : "waits again",
               found == expected ? "" : "   NOT as described");
    all_as_described = all_as_described && found == expected;
  }
  return all_as_described ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  net::CommandLine("stop-and-continue", "Stops and continues a process in each of several waiting calls.")
      .parse(argc, argv);
  return net::run_program("stop-and-continue", run);
}
