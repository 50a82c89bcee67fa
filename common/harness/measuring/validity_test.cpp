#include "common/harness/measuring/validity.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using harness::Suspicion;
using harness::why_invalid;

namespace {

// Nothing is suspicious here: each test adds its own reason.
Suspicion unsuspicious() {
  return {.shared_core = false,
          .generator_cpu_share = 0.8,
          .generator_run_delay_share = 0.05,
          .server_cpu_share = 0.5,
          .steal_share = 0.01,
          .foreign_share = 0.14,
          .clock_drift = -0.0009,
          .suspended = 9ms,
          .length_ratio = 1.009};
}

// The same, of an open loop.
Suspicion unsuspicious_open_loop() {
  Suspicion suspicion = unsuspicious();
  suspicion.generator_cpu_share = 0.99;  // it never rests
  suspicion.open_loop = {.lateness_share = 0.1, .held_back_share = 0.01};
  return suspicion;
}

}  // namespace

TEST_CASE("figures are valid when nothing speaks against them") {
  CHECK(why_invalid(unsuspicious()).empty());
  CHECK(why_invalid({}).empty());
}

TEST_CASE("figures from one shared core are invalid") {
  Suspicion suspicion = unsuspicious();
  suspicion.shared_core = true;
  CHECK(why_invalid(suspicion) == "server and generator share the only core");
}

TEST_CASE("figures that a hypervisor has disturbed are invalid") {
  Suspicion suspicion = unsuspicious();
  suspicion.steal_share = 0.05;
  CHECK(why_invalid(suspicion) == "the hypervisor took 5 % of the time");
}

TEST_CASE("figures of a generator that waited for its core are invalid") {
  Suspicion suspicion = unsuspicious();
  suspicion.generator_run_delay_share = 0.42;
  CHECK(why_invalid(suspicion) == "the generator was starved: it waited for a core 42 % of the time");
  suspicion.on_all_cores = true;  // then it shares them with the server on purpose
  CHECK(why_invalid(suspicion).empty());
}

TEST_CASE("figures of a busy generator are invalid unless the server was busy, too") {
  Suspicion suspicion = unsuspicious();
  suspicion.generator_cpu_share = 0.99;
  CHECK(why_invalid(suspicion) == "the generator was the bottleneck");
  suspicion.server_cpu_share = 0.95;
  CHECK(why_invalid(suspicion).empty());
  suspicion.server_cpu_share = std::nullopt;  // a server elsewhere may have had time to spare
  CHECK(why_invalid(suspicion) == "the generator was the bottleneck");
}

TEST_CASE("figures of an open loop are valid however busy its generator was, as long as it was punctual") {
  CHECK(why_invalid(unsuspicious_open_loop()).empty());
}

TEST_CASE("figures of an open loop that was late or held requests back are invalid") {
  Suspicion late = unsuspicious_open_loop();
  late.open_loop->lateness_share = 0.11;
  CHECK(why_invalid(late) == "the generator was late: by 11 % of the interval between requests, at its p99");
  Suspicion held_back = unsuspicious_open_loop();
  held_back.open_loop->held_back_share = 0.02;
  CHECK(why_invalid(held_back) == "the generator sent 2 % of the requests too late for the span");
}

TEST_CASE("figures of a run whose length is off are invalid, whatever the loop") {
  for (Suspicion length : {unsuspicious(), unsuspicious_open_loop()}) {
    length.length_ratio = 0.985;
    CHECK(why_invalid(length) == "the run took 98.5 % of the time that it should have");
    length.length_ratio = 1.015;
    CHECK(why_invalid(length) == "the run took 101.5 % of the time that it should have");
  }
}

TEST_CASE("figures by a clock that ran off, or of a machine that slept meanwhile, are invalid") {
  for (Suspicion off : {unsuspicious(), unsuspicious_open_loop()}) {
    off.clock_drift = 0.0011;
    CHECK(why_invalid(off) == "the clock ran off: by +0.11 % against the raw one");
    off.clock_drift = -0.02;
    CHECK(why_invalid(off) == "the clock ran off: by -2.00 % against the raw one");
    off.suspended = 3s;
    CHECK(why_invalid(off) == "the machine was suspended for 3.00 s");
  }
}

TEST_CASE("figures of a server whose core others used are invalid") {
  for (Suspicion shared : {unsuspicious(), unsuspicious_open_loop()}) {
    shared.foreign_share = 0.16;
    CHECK(why_invalid(shared) == "other processes took 16 % of the server's core");
    shared.on_all_cores = true;
    CHECK(why_invalid(shared) == "other processes took 16 % of the cores");
  }
}

TEST_CASE("what is wrong with any loop is wrong with an open one") {
  Suspicion suspicion = unsuspicious_open_loop();
  suspicion.generator_run_delay_share = 0.42;
  CHECK(why_invalid(suspicion) == "the generator was starved: it waited for a core 42 % of the time");
  suspicion.steal_share = 0.05;
  CHECK(why_invalid(suspicion) == "the hypervisor took 5 % of the time");
  suspicion.shared_core = true;
  CHECK(why_invalid(suspicion) == "server and generator share the only core");
}
