#pragma once

#include <vector>

#include "common/harness/judging/behaviours.h"

namespace harness {

/// All that chat rooms are asked, in the order of their matrix. docs/chat-behaviours.md tells more of each.
const std::vector<Behaviour>& chat_behaviours();

// The checks, by what they are about; chat_behaviours() lists them.

// chat_checks_of_lines.cpp
Finding all_hear_all(Trial& trial);
Finding one_order_for_all(Trial& trial);
Finding speaker_hears_no_echo(Trial& trial);
Finding split_and_sticky_lines_right(Trial& trial);

// chat_checks_of_refusals.cpp
Finding long_line_refused(Trial& trial);

// chat_checks_of_slow_listeners.cpp
Finding lines_whole(Trial& trial);
Finding slow_listener_stops_no_one(Trial& trial);
Finding slow_listener_memory_bounded(Trial& trial);
Finding slow_listener_is_told(Trial& trial);

// chat_checks_of_guests.cpp
Finding survives_resets_while_speaking(Trial& trial);
Finding room_survives_fd_exhaustion(Trial& trial);
Finding join_and_leave_storm(Trial& trial);

// chat_checks_of_ends.cpp
Finding ends_cleanly(Trial& trial);

}  // namespace harness
