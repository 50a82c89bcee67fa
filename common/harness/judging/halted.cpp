// How a server is halted while its clients do what it is to find all at once (trial.h).

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>

#include "common/harness/judging/trial.h"
#include "common/harness/processes/process_usage.h"

namespace harness {

using namespace std::chrono_literals;

namespace {

// True when a process is in one of these states, or gone.
bool is_in_state(pid_t pid, const std::string& states) {
  return (states + ' ').find(state_of(pid)) != std::string::npos;
}

void stop(const std::vector<pid_t>& processes, Trial& trial) {
  for (const pid_t pid : processes) kill(pid, SIGSTOP);
  trial.wait_until([&processes] {
    return std::all_of(processes.begin(), processes.end(),
                       [](pid_t pid) { return is_in_state(pid, "TtZX"); });
  });
}

void go_on(const std::vector<pid_t>& processes) {
  for (const pid_t pid : processes) kill(pid, SIGCONT);
}

}  // namespace

void Trial::try_halting() {
  if (std::exchange(halting_tried_, true)) return;
  // In its wait: one that was still computing would show only the next time what an interrupted call does to
  // it.
  wait_until([this] { return is_in_state(process().pid(), "S"); }, 300ms);
  const auto processes = process_tree(process().pid());
  stop(processes, *this);
  go_on(processes);
  // Until it waits again: what it does about the interruption is done then.
  wait_until([this] { return unexpected_end() || is_in_state(process().pid(), "SD"); }, 300ms);
  // Or sleeps a last time while it ends.
  if (end_within(30ms))
    say_not_applicable("it ended when it was halted and went on (see survives-stop-and-continue)");
}

Halted::Halted(Trial& trial) {
  if (!trial.has_process()) return;
  trial.try_halting();
  processes_ = process_tree(trial.process().pid());
  stop(processes_, trial);
}

Halted::~Halted() { go_on(processes_); }

}  // namespace harness
