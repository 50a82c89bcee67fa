#include <chrono>

#include "common/bench/audience.h"
#include "common/bench/contender.h"
#include "common/bench/room_calls.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/server_process.h"

namespace bench {

using namespace std::chrono_literals;

namespace {

// Some fifteen lines: the first one of a turn finds the sockets of a thousand listeners in no cache, since
// the other room's are there.
constexpr auto turn = 100ms;

class RoomContender : public Contender {
 public:
  RoomContender(const Server& server, int core, const harness::Interruption& interruption)
      : interruption_(interruption),
        process_({.words = server.command, .core = core}),
        audience_(process_.address(), listeners),
        server_cpu_before_(harness::cpu_time(process_.pid())) {}

  void take_turn() override {
    interruption_.check();
    const auto before = harness::own_usage().cpu;
    const auto end = std::chrono::steady_clock::now() + turn;
    while (std::chrono::steady_clock::now() < end) audience_.say_and_hear();
    audience_cpu_ += harness::own_usage().cpu - before;
  }

  Speed finish() override {
    return speed_of(audience_.deliveries(), audience_cpu_,
                    harness::cpu_time(process_.pid()) - server_cpu_before_);
  }

 private:
  const harness::Interruption& interruption_;
  harness::ServerProcess process_;
  Audience audience_;
  std::chrono::nanoseconds audience_cpu_{0};
  std::chrono::nanoseconds server_cpu_before_{0};
};

}  // namespace

std::unique_ptr<Contender> begin_room(const Server& server, int core,
                                      const harness::Interruption& interruption) {
  return std::make_unique<RoomContender>(server, core, interruption);
}

}  // namespace bench
