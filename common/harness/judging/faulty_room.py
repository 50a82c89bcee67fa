"""A chat room that keeps the rooms' contract, and breaks it in one chosen way when asked to.

Run:       build/bin/harness check-chat -- python3 -m common.harness.judging.faulty_room --port {port} --fault sends-once
Look for:  a no where faulty_chat/faults.csv says so, and yes to everything else.

The negative control of `harness check-chat`, as faulty_server.py is of `harness check`: one thread, one selector; every
fault is a small class in the folder faulty_chat/ that changes one step of the right room.
"""

import argparse

from common.harness.judging.faulty_chat import faults_of_guests, faults_of_lines, faults_of_listeners
from common.harness.judging.faulty_chat.chat_room import ChatRoom

ROOMS = {
    "none": ChatRoom,
    **faults_of_lines.FAULTS,
    **faults_of_listeners.FAULTS,
    **faults_of_guests.FAULTS,
}

if __name__ == "__main__":
    options = argparse.ArgumentParser(description="A chat room with one fault, or none.")
    options.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options.add_argument("--fault", choices=sorted(ROOMS), default="none", help="what is wrong with it")
    chosen = options.parse_args()
    ROOMS[chosen.fault](chosen.port).run()
