#include "common/bench/client_cost.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "common/harness/load/load_generator.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/processes/process_usage.h"
#include "common/harness/processes/server_process.h"

namespace bench {

using namespace std::chrono_literals;

namespace {

constexpr auto our_duration = 400ms;
constexpr std::size_t their_requests = 40'000;  // some 0.7 s: its start is then below 1 % of its work

double microseconds_a_request(std::chrono::nanoseconds cpu, std::uint64_t requests) {
  return std::chrono::duration<double, std::micro>(cpu).count() / static_cast<double>(requests);
}

double our_cost(const Server& server, int server_core, const harness::Interruption& interruption) {
  const harness::ServerProcess process({.words = server.command, .core = server_core});
  const auto before = harness::own_usage().cpu;
  harness::LoadGenerator generator(
      {.server = process.address(), .connections = 50, .active = 50, .message_bytes = 14}, interruption);
  generator.open();
  const auto replies = generator.speak(our_duration).replies;
  generator.abort();
  return microseconds_a_request(harness::own_usage().cpu - before, replies);
}

// Without persistence: nothing of it is left on disk.
std::vector<std::string> redis_server(const std::string& program) {
  return {program, "--port",       "{port}", "--bind",      "127.0.0.1", "--save",
          "",      "--appendonly", "no",     "--daemonize", "no"};
}

double their_cost(const std::string& program, const net::Address& server,
                  const harness::Interruption& interruption) {
  // ping_mbulk's request is 14 bytes: *1\r\n$4\r\nPING\r\n (redis.io, "RESP protocol"). It runs on this
  // thread's core.
  harness::ChildProcess client(
      {.words = {program, "-h", "127.0.0.1", "-p", std::to_string(server.port()), "-t", "ping_mbulk", "-c",
                 "50", "-P", "1", "-n", std::to_string(their_requests), "-q"}});
  client.wait_for_end(10min, &interruption);
  if (client.exit_code() != 0)
    throw std::runtime_error(fmt::format("{}: {}", program, client.how_it_fares()));
  return microseconds_a_request(client.cpu_time_until_end(), their_requests);
}

// Where a program of that name lies on PATH; "" when there is none.
std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string candidate = fmt::format("{}/{}", folder.empty() ? "." : folder, name);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

std::string what_is_missing(const harness::Cores& cores, const std::string& server,
                            const std::string& client) {
  if (cores.shared) return "skipped: needs two cores, one for the server and one for the client";
  if (server.empty() || client.empty()) return "skipped: needs Redis (Debian: redis-server, redis-tools)";
  return "";
}

}  // namespace

std::vector<Figure> compare_clients(const Server& server, std::size_t pairs, const harness::Cores& cores,
                                    harness::Progress& progress, const harness::Interruption& interruption) {
  Figure ours{.name = "client CPU a request, our generator", .unit = "us"};
  Figure theirs{.name = "client CPU a request, redis-benchmark", .unit = "us"};
  Figure ratio{.name = "requests a core-second, ours / redis-benchmark", .unit = "ratio"};
  const std::string redis = find_program("redis-server");
  const std::string redis_benchmark = find_program("redis-benchmark");
  ratio.note = theirs.note = what_is_missing(cores, redis, redis_benchmark);
  if (!ratio.note.empty()) return {ratio};

  ours.note = "every byte of every reply verified, every latency kept";
  harness::pin_to_core(*cores.generator);
  const harness::ServerProcess redis_process({.words = redis_server(redis), .core = cores.server});
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    progress.step(ratio.name);
    interruption.check();
    ours.samples.push_back({.value = our_cost(server, *cores.server, interruption)});
    theirs.samples.push_back({.value = their_cost(redis_benchmark, redis_process.address(), interruption)});
    // Requests a core-second are the inverse of CPU seconds a request.
    ratio.samples.push_back(
        Sample::ratio(1e6 / ours.samples.back().value, 1e6 / theirs.samples.back().value));
  }
  return {ours, theirs, ratio};
}

}  // namespace bench
