#include "common/harness/measuring/foreign_load.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace harness {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

namespace {

constexpr auto resolution = 50ms;  // a dozen ticks of 4 ms, of which each is given to whom it meets

// The columns of a line of /proc/stat, in ticks; 0 where a line has other words.
struct CoreTime {
  std::string name;
  std::int64_t user = 0;
  std::int64_t nice = 0;
  std::int64_t system = 0;
  std::int64_t idle = 0;
  std::int64_t iowait = 0;
  std::int64_t irq = 0;
  std::int64_t softirq = 0;
};

CoreTime parse_core_time(std::istream& words) {
  CoreTime time;
  words >> time.name >> time.user >> time.nice >> time.system >> time.idle >> time.iowait >> time.irq >>
      time.softirq;
  return time;
}

bool names_one_of(const std::string& word, const std::vector<int>& cores) {
  return std::any_of(cores.begin(), cores.end(),
                     [&word](int core) { return word == "cpu" + std::to_string(core); });
}

}  // namespace

nanoseconds busy_time(std::istream& stat, const std::vector<int>& cores) {
  bool interrupts_apart = false;
  std::int64_t ticks = 0;
  for (std::string line; std::getline(stat, line);) {
    std::istringstream words(line);
    const CoreTime time = parse_core_time(words);
    if (time.name == "cpu") interrupts_apart = time.irq > 0;  // of all cores: the first line
    if (!names_one_of(time.name, cores)) continue;
    ticks += time.user + time.nice + time.system;
    if (!interrupts_apart) ticks += time.irq + time.softirq;
  }
  return nanoseconds(ticks * (1'000'000'000 / sysconf(_SC_CLK_TCK)));
}

nanoseconds busy_time(const std::vector<int>& cores) {
  std::ifstream stat("/proc/stat");
  return busy_time(stat, cores);
}

double foreign_share(nanoseconds busy, nanoseconds own, nanoseconds span, std::size_t cores) {
  const nanoseconds foreign = busy - own;
  if (foreign < resolution || span <= 0ns || cores == 0) return 0;
  return static_cast<double>(foreign.count()) /
         (static_cast<double>(span.count()) * static_cast<double>(cores));
}

}  // namespace harness
