#include "common/harness/judging/chat_behaviours.h"

#include "common/harness/judging/room.h"

namespace harness {

const std::vector<Behaviour>& chat_behaviours() {
  static const std::vector<Behaviour> all{
      {"all-hear-all", "what one says all others hear, under his name; and who comes, goes or is renamed",
       all_hear_all, let_the_room_see_who_left},
      {"one-order-for-all", "when several speak at once, all hear one and the same order", one_order_for_all,
       let_the_room_see_who_left},
      {"speaker-hears-no-echo", "nobody hears his own lines", speaker_hears_no_echo,
       let_the_room_see_who_left},
      {"split-and-sticky-lines-right", "lines are lines, however the bytes arrive",
       split_and_sticky_lines_right, let_the_room_see_who_left},
      {"long-line-refused",
       "lines that are too long or have control characters are refused, and reach nobody", long_line_refused,
       let_the_room_see_who_left},
      {"lines-whole", "a line is heard as it was said or not at all, beside slow listeners and by them",
       lines_whole, let_the_room_see_who_left},
      {"slow-listener-stops-no-one", "others hear each other beside a listener that reads nothing",
       slow_listener_stops_no_one, let_the_room_see_who_left},
      {"slow-listener-memory-bounded", "listeners that read nothing can't fill the room's memory",
       slow_listener_memory_bounded, let_the_room_see_who_left},
      {"slow-listener-is-told", "who missed a line because he was slow is told, and of how many",
       slow_listener_is_told, let_the_room_see_who_left},
      {"survives-resets-while-speaking", "guests that are reset while others speak cost these no word",
       survives_resets_while_speaking, let_the_room_see_who_left},
      {"survives-fd-exhaustion", "out of descriptors it neither ends nor spins, and recovers",
       room_survives_fd_exhaustion, let_the_room_see_who_left},
      {"join-and-leave-storm", "guests that come and go in crowds are told of once each, and leave nothing",
       join_and_leave_storm, let_the_room_see_who_left},
      {"ends-cleanly", "who leaves gets what waited for him, then the end; SIGTERM and SIGINT end the room",
       ends_cleanly, let_the_room_see_who_left},
  };
  return all;
}

}  // namespace harness
