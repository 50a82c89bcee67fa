#include "common/bench/idle_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "common/harness/load/load_generator.h"
#include "common/harness/measuring/environment.h"
#include "common/harness/processes/server_process.h"
#include "common/kernel/numbers.h"

namespace bench {

using namespace std::chrono_literals;

namespace {

// For the programs' own files, and the listener, the epoll descriptor and the like.
constexpr std::size_t descriptors_aside = 50;

// Documentation/filesystems/proc.rst of the kernel: "Anonymous: 123 kB" in smaps_rollup.
double anonymous_bytes(pid_t pid) {
  const std::string path = fmt::format("/proc/{}/smaps_rollup", pid);
  const std::string key = "Anonymous:";
  if (const auto kibibytes = kernel::number_behind(key, path)) return static_cast<double>(*kibibytes) * 1024;
  throw std::runtime_error(fmt::format("{} has no line '{}'", path, key));
}

// Connects that many clients, each of which is served once and then silent, and returns the server's memory.
double memory_with(std::size_t connections, const harness::ServerProcess& process,
                   const harness::Interruption& interruption) {
  harness::LoadGenerator generator(
      {.server = process.address(), .connections = connections, .active = connections}, interruption);
  generator.open(30s);
  if (generator.failures().all() > 0) {
    throw harness::ServerError(
        fmt::format("{} of {} connections failed", generator.failures().all(), connections));
  }
  const double bytes = anonymous_bytes(process.pid());
  generator.abort();
  return bytes;
}

}  // namespace

Figure idle_memory(const Server& server, std::size_t connections, const Goal& goal,
                   const harness::Cores& cores, harness::Progress& progress,
                   const harness::Interruption& interruption) {
  const auto limit = static_cast<std::size_t>(harness::raise_descriptor_limit());
  const std::size_t possible = std::min(connections, limit - std::min(limit - 1, descriptors_aside));
  Figure figure{.name = fmt::format("{}: user memory of an idle connection, {} open", server.name, possible),
                .unit = "bytes",
                .goal = goal};
  if (possible < connections)
    figure.note = fmt::format("not {}: the descriptor limit is {} (ulimit -n)", connections, limit);
  harness::pin_to_core(*cores.generator);
  for (std::size_t repetition = 0; repetition < memory_repetitions; ++repetition) {
    progress.step(figure.name);
    interruption.check();
    const harness::ServerProcess process({.words = server.command, .core = cores.server});
    // One connection comes first, and stands for none: what serving touches for the first time is not the
    // connections' cost.
    const double before = memory_with(1, process, interruption);
    const double after = memory_with(possible, process, interruption);
    figure.samples.push_back({.value = (after - before) / static_cast<double>(possible)});
  }
  return figure;
}

}  // namespace bench
