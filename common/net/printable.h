#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace net {

/// Bytes from a connection as they may stand in a line for a reader, on a terminal too: whole characters of
/// UTF-8 as they are; a line feed as `\n`, a tab as `\t`, a backslash as `\\`; all other control characters,
/// and bytes that belong to no whole character, as `\xNN`. So a character that a read has cut in two shows as
/// its bytes. What doesn't fit into about `at_most` bytes of output is left out: `… (N bytes more)` says how
/// much. Source: RFC 3629.
std::string printable(std::span<const char> bytes, std::size_t at_most = 100);

}  // namespace net
