#pragma once

#include <chrono>
#include <istream>
#include <vector>

namespace harness {

/// How long anybody's threads have run on these cores since the machine's start: the columns user, nice and
/// system of /proc/stat (proc(5)), of which `stat` is the text. Interrupts are in it (irq, softirq) where
/// they are in the clocks of the processes, too, with which it is compared: each is time of the process that
/// it met. A kernel that measures them apart (CONFIG_IRQ_TIME_ACCOUNTING) takes them out of those clocks; its
/// irq isn't 0, while by ticks alone it is: the tick is an interrupt itself, and none meets another.
std::chrono::nanoseconds busy_time(std::istream& stat, const std::vector<int>& cores);
/// The same of this machine, now.
std::chrono::nanoseconds busy_time(const std::vector<int>& cores);

/// The share of the time of all these cores that others' processes took: `busy` is how long the cores were
/// busy in the span, `own` the CPU time of server and generator on them. /proc/stat counts ticks, so less
/// than 50 ms can't be told from nothing, and is 0.
double foreign_share(std::chrono::nanoseconds busy, std::chrono::nanoseconds own,
                     std::chrono::nanoseconds span, std::size_t cores);

}  // namespace harness
