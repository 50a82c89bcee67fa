"""A chat room that keeps the rooms' contract, and breaks it in one chosen way when asked to.

Run:       build/bin/harness check-chat -- python3 -m common.harness.judging.faulty_room --port {port} --fault sends-once
Look for:  a no where faulty_chat/faults.csv says so, and yes to everything else.

The negative control of `harness check-chat`, as faulty_server.py is of `harness check`: one thread, one selector; every
fault is a small class in the folder faulty_chat/ that changes one step of the right room. With --words it speaks as no
room of the lab does, for `check-chat --format`.
"""

from common.harness.judging.faulty.options import faulty_options
from common.harness.judging.faulty_chat import faults_of_guests, faults_of_lines, faults_of_listeners
from common.harness.judging.faulty_chat.chat_room import ChatRoom
from common.harness.judging.faulty_chat.other_words import WORDS, in_words

ROOMS = {
    "none": ChatRoom,
    **faults_of_lines.FAULTS,
    **faults_of_listeners.FAULTS,
    **faults_of_guests.FAULTS,
}

if __name__ == "__main__":
    options = faulty_options("A chat room with one fault, or none.", ROOMS)
    options.add_argument("--words", choices=sorted(WORDS), help="how it speaks (without: as the lab's rooms)")
    chosen = options.parse_args()
    room = ROOMS[chosen.fault]
    (in_words(chosen.words, room) if chosen.words else room)(chosen.port).run()
