#include "labs/16-one-to-many/line_cutter.h"

#include <algorithm>
#include <utility>

std::optional<CutLine> LineCutter::next(std::span<const char>& received) {
  while (!received.empty()) {
    const auto line_feed = std::find(received.begin(), received.end(), '\n');
    const bool has_ended = line_feed != received.end();
    const auto piece = received.first(static_cast<std::size_t>(line_feed - received.begin()));
    received = received.subspan(piece.size() + (has_ended ? 1 : 0));
    if (is_passing_over_) {
      is_passing_over_ = !has_ended;
      continue;
    }
    const std::size_t kept = std::min(piece.size(), longest + 1 - begun_.size());
    begun_.append(piece.data(), kept);
    if (kept < piece.size() || (begun_.size() > longest && begun_.back() != '\r')) {
      is_passing_over_ = !has_ended;
      std::string().swap(begun_);  // clear() would keep the capacity
      return CutLine{.is = CutLine::Is::too_long, .text = {}};
    }
    if (!has_ended) continue;
    std::string line = std::exchange(begun_, {});
    if (line.ends_with('\r')) line.pop_back();
    if (has_controls(line)) return CutLine{.is = CutLine::Is::with_controls, .text = {}};
    return CutLine{.is = CutLine::Is::good, .text = std::move(line)};
  }
  return {};
}

bool has_controls(std::span<const char> bytes) {
  unsigned char before = 0;
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code == 0x7f) return true;
    if (before == 0xc2 && code >= 0x80 && code <= 0x9f) return true;
    before = code;
  }
  return false;
}
