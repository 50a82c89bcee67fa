#include <fmt/format.h>

#include <chrono>

#include "common/bench/contender.h"
#include "common/harness/load/load_generator.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/server_process.h"

namespace bench {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t connections = 50;
constexpr auto turn = 25ms;
constexpr auto warm_up = 50ms;

class EchoContender : public Contender {
 public:
  EchoContender(const Server& server, int core, const harness::Interruption& interruption)
      : name_(server.name),
        process_({.words = server.command, .core = core}),
        generator_({.server = process_.address(), .connections = connections, .active = connections},
                   interruption) {
    generator_.open();
    generator_.speak(warm_up);
    server_cpu_before_ = harness::cpu_time(process_.pid());
  }

  void take_turn() override {
    const auto before = harness::own_usage().cpu;
    replies_ += generator_.speak(turn).replies;
    generator_cpu_ += harness::own_usage().cpu - before;
  }

  Speed finish() override {
    const auto server_cpu = harness::cpu_time(process_.pid()) - server_cpu_before_;
    const auto failures = generator_.failures().all();
    generator_.abort();
    if (failures > 0 || replies_ == 0) {
      throw harness::ServerError(fmt::format(
          "server '{}' failed {} of {} connections: its speed means nothing", name_, failures, connections));
    }
    return speed_of(replies_, generator_cpu_, server_cpu);
  }

 private:
  std::string name_;
  harness::ServerProcess process_;
  harness::LoadGenerator generator_;
  std::uint64_t replies_ = 0;
  std::chrono::nanoseconds generator_cpu_{0};
  std::chrono::nanoseconds server_cpu_before_{0};
};

}  // namespace

Speed speed_of(std::uint64_t work, std::chrono::nanoseconds clients, std::chrono::nanoseconds server) {
  const auto a_second = [work](std::chrono::nanoseconds cpu) {
    return static_cast<double>(work) / std::chrono::duration<double>(cpu).count();
  };
  return {.both_ends = a_second(clients + server), .server_alone = a_second(server)};
}

std::unique_ptr<Contender> begin_echo(const Server& server, int core,
                                      const harness::Interruption& interruption) {
  return std::make_unique<EchoContender>(server, core, interruption);
}

}  // namespace bench
