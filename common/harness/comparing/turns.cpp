#include "common/harness/comparing/turns.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "common/harness/load/load_generator.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/server_process.h"

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int rounds = 10;  // of turns
constexpr auto turn = turns_length / rounds;

// What a server still does behind its last reply belongs to the turn: it looks for more, through thousands of
// descriptors if that is its way. The generator sleeps meanwhile, since the core is the server's, too.
constexpr auto aftermath = 1ms;

// Whether a server computes although nobody speaks: it uses half a millisecond before all of it sleeps. On a
// busy machine it may have to wait long for that.
bool computes_in_silence(pid_t pid) {
  const auto before = cpu_time(pid);
  const auto deadline = Clock::now() + 1s;
  while (!rests(pid) && Clock::now() < deadline) {
    if (cpu_time(pid) - before > 500us) return true;
    std::this_thread::sleep_for(aftermath);
  }
  return false;
}

// A contender with its clients. While it isn't its turn, both are silent, and a server that would use the
// core all the same is halted: it would take it away from the others, in the middle of their requests.
class EchoSpeaker : public TurnTaker {
 public:
  EchoSpeaker(const Contender& contender, const TurnsPlan& plan, const Interruption& interruption)
      : name_(contender.name),
        connections_(plan.connections),
        process_({.words = contender.command, .core = plan.core, .interruption = &interruption}),
        generator_({.server = process_.address(),
                    .connections = plan.connections,
                    .active = plan.active,
                    .message_bytes = plan.message_bytes},
                   interruption) {
    generator_.open();
    generator_.speak(turns_warm_up);
    std::this_thread::sleep_for(aftermath);
    is_restless_ = computes_in_silence(process_.pid());
    if (is_restless_) process_.pause();
  }

  void take_turn() override {
    if (is_restless_) process_.send_signal(SIGCONT);
    const auto server_before = cpu_time(process_.pid());
    const auto generator_before = own_usage().cpu;
    cost_.replies += generator_.speak(turn).replies;
    cost_.generator_cpu += own_usage().cpu - generator_before;
    std::this_thread::sleep_for(aftermath);
    cost_.server_cpu += cpu_time(process_.pid()) - server_before;
    if (is_restless_) process_.pause();
  }

  TurnsCost finish() override {
    const auto failures = generator_.failures().all();
    generator_.abort();
    if (failures > 0 || cost_.replies == 0) {
      throw ServerError(fmt::format("server '{}' failed {} of {} connections: its speed means nothing", name_,
                                    failures, connections_));
    }
    return cost_;
  }

 private:
  std::string name_;
  std::size_t connections_;
  ServerProcess process_;
  LoadGenerator generator_;
  bool is_restless_ = false;
  TurnsCost cost_;
};

Turns take_turns_once(const std::vector<Contender>& contenders, const std::vector<std::size_t>& order,
                      const TurnsPlan& plan, const Interruption& interruption, Begin begin_with) {
  std::vector<std::unique_ptr<TurnTaker>> speakers;
  for (const Contender& contender : contenders) speakers.push_back(begin_with(contender, plan, interruption));
  const auto begin = Clock::now();
  const auto stolen_before = stolen_time();
  for (int round = 0; round < rounds; ++round) {
    // A B, B A, A B, …: a machine that grows steadily slower or faster treats all alike.
    for (std::size_t i = 0; i < order.size(); ++i)
      speakers[order[round % 2 == 0 ? i : order.size() - 1 - i]]->take_turn();
  }
  const std::chrono::duration<double> stolen = stolen_time() - stolen_before;
  const std::chrono::duration<double> took = Clock::now() - begin;
  Turns turns;
  turns.steal_share = stolen / took / std::max(1U, std::thread::hardware_concurrency());
  for (const auto& speaker : speakers) turns.costs.push_back(speaker->finish());
  return turns;
}

double us_a_request(std::chrono::nanoseconds cpu, std::uint64_t requests) {
  return std::chrono::duration<double, std::micro>(cpu).count() / static_cast<double>(requests);
}

}  // namespace

double TurnsCost::server_us_a_request() const { return us_a_request(server_cpu, replies); }
double TurnsCost::both_ends_us_a_request() const { return us_a_request(server_cpu + generator_cpu, replies); }

std::unique_ptr<TurnTaker> begin_echo(const Contender& contender, const TurnsPlan& plan,
                                      const Interruption& interruption) {
  return std::make_unique<EchoSpeaker>(contender, plan, interruption);
}

Turns take_turns(const std::vector<Contender>& contenders, const std::vector<std::size_t>& order,
                 const TurnsPlan& plan, const Interruption& interruption, Begin begin) {
  for (int attempt = 1;; ++attempt) {
    interruption.check();
    Turns turns = take_turns_once(contenders, order, plan, interruption, begin);
    if (!turns.disturbed() || attempt == turns_attempts) return turns;
  }
}

}  // namespace harness
