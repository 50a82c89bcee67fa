#include "common/bench/room_speaker.h"

#include <chrono>

#include "common/bench/audience.h"
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

class RoomSpeaker : public harness::TurnTaker {
 public:
  RoomSpeaker(const harness::Contender& room, int core, const harness::Interruption& interruption)
      : interruption_(interruption),
        process_({.words = room.command, .core = core}),
        audience_(process_.address(), listeners) {}

  void take_turn() override {
    interruption_.check();
    const auto room_before = harness::cpu_time(process_.pid());
    const auto audience_before = harness::own_usage().cpu;
    const auto end = std::chrono::steady_clock::now() + turn;
    while (std::chrono::steady_clock::now() < end) audience_.say_and_hear();
    cost_.generator_cpu += harness::own_usage().cpu - audience_before;
    cost_.server_cpu += harness::cpu_time(process_.pid()) - room_before;
  }

  harness::TurnsCost finish() override {
    cost_.replies = audience_.deliveries();
    return cost_;
  }

 private:
  const harness::Interruption& interruption_;
  harness::ServerProcess process_;
  Audience audience_;
  harness::TurnsCost cost_;
};

}  // namespace

std::unique_ptr<harness::TurnTaker> begin_room(const harness::Contender& room, const harness::TurnsPlan& plan,
                                               const harness::Interruption& interruption) {
  return std::make_unique<RoomSpeaker>(room, plan.core, interruption);
}

}  // namespace bench
