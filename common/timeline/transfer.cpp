#include "common/timeline/transfer.h"

#include <fmt/format.h>
#include <zlib.h>

namespace timeline {

void Transfer::add_bytes(std::span<const char> bytes) {
  checksum_ = crc32_z(checksum_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  store(bytes_, bytes_ + static_cast<std::int64_t>(bytes.size()));
}

void Transfer::begin_wait() {
  store(waits_, waits_ + 1);
  store(waiting_since_ns_, now_ns());
  record_.add("blocked_begin", bytes());
}

void Transfer::end_wait() {
  waited_ += waiting_for();
  store(waiting_since_ns_, 0);
  record_.add("blocked_end", bytes());
}

std::chrono::nanoseconds Transfer::waiting_for() const {
  const std::int64_t since = waiting_since_ns_.load(std::memory_order_relaxed);
  return std::chrono::nanoseconds(since == 0 ? 0 : now_ns() - since);
}

std::string Transfer::totals(const std::string& verb) const {
  return fmt::format("{} {} messages, {} bytes, checksum {:08x}", verb, messages(), bytes(), checksum_);
}

}  // namespace timeline
