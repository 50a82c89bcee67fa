#include "common/framing/content_length_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/net/printable.h"

namespace framing {

namespace {

constexpr std::size_t shown = 60;  // bytes of a peer's text in a complaint

[[noreturn]] void refuse(const std::string& complaint, std::string_view text) {
  throw FramingError(fmt::format("{}: '{}'", complaint, net::printable(text, shown)));
}

bool is_letter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }
bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

// The characters of a header's name: "token" in RFC 9110 section 5.6.2.
bool is_token(char byte) {
  return is_letter(byte) || is_digit(byte) ||
         std::string_view("!#$%&'*+-.^_`|~").find(byte) != std::string_view::npos;
}

bool is_control(char byte) { return (byte >= 0 && byte < ' ' && byte != '\t') || byte == '\x7f'; }

char lower(char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte; }

bool same_name(std::string_view name, std::string_view lower_case) {
  return std::ranges::equal(name, lower_case, {}, lower);
}

}  // namespace

void ContentLengthCodec::encode(std::span<const char> message, std::string& stream) const {
  require_allowed_size(message);
  stream += fmt::format("Content-Length: {}\r\n\r\n", message.size());
  stream.append(message.data(), message.size());
}

// Line by line, as they become whole, so that a wrong line is refused at once.
std::optional<Frame> ContentLengthCodec::locate(std::span<const char> begun, std::size_t seen) {
  const std::string_view header(begun.data(), std::min(begun.size(), largest_header));
  for (std::size_t end = header.find('\n', seen); end != std::string_view::npos;
       end = header.find('\n', end + 1)) {
    const std::string_view line = header.substr(line_begin_, end - line_begin_);
    line_begin_ = end + 1;
    if (!line.ends_with('\r')) refuse("a header line has to end with CR LF; a bare LF after", line);
    if (line.size() == 1) {
      const std::size_t header_size = std::exchange(line_begin_, 0);
      if (!length_) throw FramingError("the header has no Content-Length; exactly one is needed");
      return Frame{.header_size = header_size, .message_size = *std::exchange(length_, std::nullopt)};
    }
    read_line(line.substr(0, line.size() - 1));
  }
  if (header.size() == largest_header) {
    throw FramingError(fmt::format("the header doesn't end within {} bytes", largest_header));
  }
  return std::nullopt;
}

void ContentLengthCodec::read_line(std::string_view line) {
  if (std::ranges::any_of(line, is_control)) refuse("a header line holds a control character", line);
  if (line[0] == ' ' || line[0] == '\t')
    refuse("a header line begins with white space (folding is obsolete)", line);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) refuse("a header line has to be 'Name: value'; no colon in", line);
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(colon + 1);
  if (name.empty()) refuse("a header without a name", line);
  if (!std::ranges::all_of(name, is_token)) refuse("a character that no header's name may hold", name);
  if (same_name(name, "transfer-encoding"))
    refuse("Transfer-Encoding isn't understood; Content-Length is needed", line);
  if (!same_name(name, "content-length")) return;
  if (length_) refuse("a second Content-Length; exactly one is allowed", line);
  if (value.starts_with(' ')) value.remove_prefix(1);
  length_ = length_of(value);
}

std::size_t ContentLengthCodec::length_of(std::string_view digits) const {
  if (digits.empty() || !std::ranges::all_of(digits, is_digit)) {
    refuse("a Content-Length has to be digits, nothing else", digits);
  }
  std::size_t length = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || length > maximum()) {
    refuse(fmt::format("Content-Length is above the maximum, {} bytes", maximum()), digits);
  }
  return length;
}

}  // namespace framing
