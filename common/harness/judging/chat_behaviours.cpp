#include "common/harness/judging/chat_behaviours.h"

#include "common/harness/judging/room.h"

namespace harness {

const std::vector<Behaviour>& chat_behaviours() {
  static const std::vector<Behaviour> all{
      {"all-hear-all", "what one says all others hear, under his name; and who comes, goes or is renamed",
       all_hear_all, room_end_after_departures},
      {"one-order-for-all", "when several speak at once, all hear one and the same order", one_order_for_all,
       room_end_after_departures},
      {"speaker-hears-no-echo", "nobody hears his own lines", speaker_hears_no_echo,
       room_end_after_departures},
      {"split-and-sticky-lines-right", "lines are lines, however the bytes arrive",
       split_and_sticky_lines_right, room_end_after_departures},
      {"long-line-refused",
       "lines that are too long or have control characters are refused, and reach nobody", long_line_refused,
       room_end_after_departures},
      {"lines-whole", "a line is heard as it was said or not at all, beside slow listeners and by them",
       lines_whole, room_end_after_departures},
      {"slow-listener-stops-no-one", "others hear each other beside a listener that reads nothing",
       slow_listener_stops_no_one, room_end_after_departures},
      {"slow-listener-memory-bounded", "listeners that read nothing can't fill the room's memory",
       slow_listener_memory_bounded, room_end_after_departures},
      {"slow-listener-is-told", "who missed a line because he was slow is told, and of how many",
       slow_listener_is_told, room_end_after_departures},
      {"survives-resets-while-speaking", "guests that are reset while others speak cost these no word",
       survives_resets_while_speaking, room_end_after_departures},
      {"survives-fd-exhaustion", "out of descriptors it neither ends nor spins, and recovers",
       room_survives_fd_exhaustion, room_end_after_departures},
      {"join-and-leave-storm", "guests that come and go in crowds are told of once each, and leave nothing",
       join_and_leave_storm, room_end_after_departures},
      {"ends-cleanly", "who leaves gets what waited for him, then the end; SIGTERM and SIGINT end the room",
       ends_cleanly, room_end_after_departures},
  };
  return all;
}

}  // namespace harness
