#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "common/timeline/record.h"

namespace timeline {

/// What has been transferred so far. One thread sends or reads, and tells it here; others look on meanwhile.
/// Telling costs the checksum and two plain stores, so it doesn't slow the transfer down.
class Transfer {
 public:
  /// `record` gets the waits; it must outlive this.
  explicit Transfer(Record& record) : record_(record) {}

  // --- by the transferring thread ---

  /// These bytes were accepted by send, or read, just now.
  void add_bytes(std::span<const char> bytes);
  void add_message() { store(messages_, messages_ + 1); }

  /// Around a send that has to wait.
  void begin_wait();
  void end_wait();

  /// "sent 100000 messages, 6400000 bytes, checksum 0bad5eed": the CRC-32 of zlib over all bytes.
  std::string totals(const std::string& verb) const;
  std::chrono::nanoseconds waited_in_all() const { return waited_; }

  // --- by any thread ---

  std::int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  std::int64_t messages() const { return messages_.load(std::memory_order_relaxed); }
  std::int64_t waits() const { return waits_.load(std::memory_order_relaxed); }
  /// How long the present send has been waiting; 0 when none does.
  std::chrono::nanoseconds waiting_for() const;

 private:
  // There is one writer only, so an addition need not be atomic: load and store are plain moves.
  static void store(std::atomic<std::int64_t>& variable, std::int64_t value) {
    variable.store(value, std::memory_order_relaxed);
  }

  Record& record_;
  std::atomic<std::int64_t> bytes_ = 0;
  std::atomic<std::int64_t> messages_ = 0;
  std::atomic<std::int64_t> waits_ = 0;
  std::atomic<std::int64_t> waiting_since_ns_ = 0;  // 0: no send waits
  std::chrono::nanoseconds waited_{0};
  unsigned long checksum_ = 0;  // CRC-32 of no bytes
};

}  // namespace timeline
