#pragma once

#include <string>
#include <string_view>

namespace testing {

// The conversation of a test with the programs that it started: each step is noted, and a test that fails
// prints the steps that led there, what was expected, and each program's last words on stderr. (Python's
// tests have common/testing/conversation.py for it.) common/testing/processes.h and connection.h note theirs;
// a test that talks in another way notes its own.

/// A step: who, and what it did or what was done to it. The same one again right afterwards is counted, not
/// written down again. Threads may note at the same time.
void note(const std::string& who, const std::string& what);

/// A name of its own in this test: "connection 1" for the first connection, and so on.
std::string numbered(const std::string& what);

/// A step that moved bytes, as in "sent 5 bytes: hello".
void note_bytes(const std::string& who, const std::string& verb, std::string_view bytes);

/// All that a program has said on stderr so far; its end is shown.
void note_words(const std::string& program, const std::string& said);

}  // namespace testing
