#include "common/harness/judging/speech.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace harness {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Of many lengths, so that the end of a buffer falls into the middle of a line sooner or later; and no two
// lines share what stands at the same place.
std::string Speech::line(std::size_t number) const {
  constexpr std::array<std::size_t, 7> lengths{1000, 37, 612, 251, 999, 128, 733};
  std::string text = fmt::format("{:07} ", number);
  const std::size_t length = std::min(lengths[number % lengths.size()], speaker_.longest_line());
  for (std::size_t i = text.size(); i < length; ++i) text += static_cast<char>('a' + (number + i) % 26);
  return text;
}

std::uint64_t Speech::say_next() {
  const std::string next = line(lines_++);
  speaker_.say_line(next);
  bytes_ += next.size() + 1;
  return next.size() + 1;
}

bool Speech::heard_by(const std::vector<Guest*>& guests, std::size_t number) const {
  const std::string wanted = message(speaker_, line(number));
  return std::all_of(guests.begin(), guests.end(), [&wanted](const Guest* guest) {
    // Behind it there is no more than a word of the room's or two.
    const std::size_t all = guest->heard().size();
    return guest->has_heard(wanted, all - std::min<std::size_t>(all, 50));
  });
}

bool Speech::go_on(std::uint64_t bytes, std::chrono::milliseconds span) {
  for (std::uint64_t said = 0; said < bytes;) {
    const auto start = Clock::now();
    const std::uint64_t step = std::min(bytes, step_bytes);
    for (const std::uint64_t before = bytes_; bytes_ - before < step;) said += say_next();
    const bool heard =
        room_.until([this] { return speaker_.has_said_all() && heard_by(listeners_, lines_ - 1); }, span);
    longest_wait_ = std::max(longest_wait_, Clock::now() - start);
    if (!heard) return false;
  }
  return true;
}

bool Speech::until_caught_up(const std::vector<Guest*>& late) {
  constexpr int most = 20;
  for (int attempt = 0; attempt < most; ++attempt) {
    say_next();
    std::vector<Guest*> there;
    const auto have_caught_up = [&] {
      there = late;
      std::erase_if(there, [](const Guest* guest) { return guest->gone(); });
      return heard_by(there, lines_ - 1) && heard_by(listeners_, lines_ - 1);
    };
    if (room_.until(have_caught_up, 300ms)) return true;
  }
  return false;
}

double Speech::longest_wait_ms() const {
  return std::chrono::duration<double, std::milli>(longest_wait_).count();
}

std::optional<std::size_t> Speech::number_of(std::string_view heard) const {
  const std::string who = message(speaker_, "");
  if (!heard.starts_with(who)) return std::nullopt;
  const std::string_view text = heard.substr(who.size());
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + std::min<std::size_t>(text.size(), 7), number);
  if (number >= lines_ || text != line(number)) return std::nullopt;
  return number;
}

}  // namespace harness
