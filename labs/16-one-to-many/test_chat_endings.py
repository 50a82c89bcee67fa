"""Lab 16's rooms at their limits: resets in the middle of a speech, no descriptor left, signals, wrong options."""

import contextlib
import signal
import threading
import time
import unittest

from common.testing import conversation
from common.testing.processes import BIN, run, wait_until

from .guests import (
    IN_ONE_THREAD,
    IO_URING,
    Guest,
    Room,
    most_in_send_buffer,
    numbered,
    why_not_here,
)

PROGRAMS = [name for name in (*IN_ONE_THREAD, "chat-threads", IO_URING) if not why_not_here(name)]
WITH_QUEUE = [name for name in PROGRAMS if name in ("chat-drop", "chat-cut-off", IO_URING)]


class Endings(unittest.TestCase):
    def test_resets_while_all_speak_end_nothing_and_leak_nothing(self):
        for program in PROGRAMS:
            with self.subTest(program), Room(program, guests=2) as room:
                speaker, listener = room.guests
                descriptors = room.descriptors()
                heard = []
                reading = threading.Thread(target=lambda: heard.extend(listener.hears_up_to(b"guest1: over")))
                reading.start()
                for _ in range(20):
                    visitors = [Guest(room.server) for _ in range(10)]
                    for visitor in visitors:
                        visitor.say(*[b"I am here and gone"] * 20)
                        speaker.say(b"to all")
                        visitor.is_reset()
                # Whom the room knows it tells of: when all have gone again, as many have left as had come.
                self.assertTrue(wait_until(lambda: room.descriptors() == descriptors))
                speaker.say(b"over")
                reading.join(30)
                self.assertEqual(heard[-1], b"guest1: over")
                self.assertEqual(heard.count(b"guest1: to all"), 200)
                came, left = (
                    {line.split()[1] for line in heard if line.endswith(words)}
                    for words in (b"has joined", b"has left")
                )
                self.assertEqual(came, left)
                self.assertGreater(len(came), 0)

    def test_who_finds_no_descriptor_is_refused_and_nobody_else(self):
        for program in PROGRAMS:
            with self.subTest(program), contextlib.ExitStack() as stack:
                room = stack.enter_context(Room(program, guests=2, prefix=("prlimit", "--nofile=24")))
                speaker, listener = room.guests
                comers = [
                    stack.enter_context(conversation.connect((room.server.host, room.server.port)))
                    for _ in range(30)
                ]
                greeted = [comer for comer in comers if self.is_greeted(comer)]
                self.assertGreater(len(greeted), 5)
                self.assertLess(len(greeted), 24)
                self.assertEqual(len([listener.hears() for _ in greeted]), len(greeted))
                speaker.say(b"all well?")
                self.assertEqual(listener.hears(), b"guest1: all well?")
                greeted[0].close()
                self.assertRegex(listener.hears(), rb"^\* guest\d+ has left$")
                self.assertTrue(wait_until(lambda: self.takes_a_newcomer(room)), "no place for a newcomer")
                self.assertEqual(room.server.end(signal.SIGTERM).code, 0)

    @staticmethod
    def is_greeted(comer):
        with contextlib.suppress(ConnectionError):
            return comer.recv(64).startswith(b"* you are guest")
        return False

    def takes_a_newcomer(self, room):
        with conversation.connect((room.server.host, room.server.port)) as comer:
            return self.is_greeted(comer)

    def test_two_signals_end_it_in_order_with_guests_inside(self):
        for program in PROGRAMS:
            for number in (signal.SIGTERM, signal.SIGINT):
                with self.subTest(program, signal=number), Room(program, guests=2) as room:
                    room.guests[0].connection.sendall(b"half a line")
                    ended = room.server.end(number)
                    self.assertEqual((ended.code, ended.out, ended.err, ended.left), (0, [], [], []))

    def test_guests_who_have_gone_leave_no_descriptor(self):
        for program in PROGRAMS:
            with self.subTest(program), Room(program, guests=1) as room:
                before = room.descriptors()
                for _ in range(50):
                    visitor = Guest(room.server)
                    visitor.say(b"/quit")
                    self.assertRegex(visitor.hears(), rb"^\* you are guest\d+$")
                    self.assertIsNone(visitor.hears())
                    visitor.leaves()
                self.assertTrue(wait_until(lambda: room.descriptors() == before))

    def test_who_has_left_and_never_reads_is_closed_after_a_while(self):
        """In the rooms with queues one waits for him. All rooms at once: each leaves him ten seconds."""
        with contextlib.ExitStack() as stack:
            rooms = [(name, stack.enter_context(Room(name, guests=2))) for name in PROGRAMS]
            full = []
            for program, room in rooms:
                speaker, listener = room.guests
                silent = room.enter()
                if program in ("chat-keep", "chat-drop", IO_URING):
                    for number in range(2 * most_in_send_buffer() // 1000):
                        speaker.say(numbered(number))
                        listener.hears()
                silent.say(b"/quit")
                self.assertEqual(listener.hears(), b"* guest3 has left", program)
                full.append(room.descriptors())  # nobody is closed at once: he might read his last lines
            for (program, room), before in zip(rooms, full):
                with self.subTest(program):
                    self.assertTrue(self.comes_down_to(before - 1, room))
                    speaker, listener = room.guests[:2]
                    speaker.say(b"all well?")
                    self.assertEqual(listener.hears(), b"guest1: all well?")

    def test_a_byte_makes_nobodys_farewell_longer(self):
        """The first to leave sends one late in it; the second leaves half of it later, and is closed after the first."""
        with Room("chat-threads", guests=3) as room:
            first, second, listener = room.guests
            first.say(b"/quit")
            self.assertEqual(listener.hears(), b"* guest1 has left")
            time.sleep(5)
            before = room.descriptors()
            second.say(b"/quit")
            self.assertEqual(listener.hears(), b"* guest2 has left")
            time.sleep(3)
            first.say(b"am I still here?")
            self.assertTrue(self.comes_down_to(before - 1, room))
            self.assertEqual([self.is_closed(guest.connection) for guest in (first, second)], [True, False])

    @staticmethod
    def is_closed(connection):
        """Whether the room has closed it, and not only ended its direction: then it answers a byte by a reset."""
        try:
            connection.send(b"x")
            time.sleep(0.1)
            connection.send(b"x")
            return False
        except ConnectionError:
            return True

    @staticmethod
    def comes_down_to(descriptors, room):
        return wait_until(lambda: room.descriptors() == descriptors, seconds=60)

    def test_the_queue_has_a_size_that_is_allowed(self):
        allowed = "from 4096 to 1073741824"
        for program in WITH_QUEUE:
            for wrong in ("4095", "1073741825", "much"):
                with self.subTest(program, wrong=wrong):
                    ended = run(BIN / program, "--port", "0", "--queue-bytes", wrong)
                    self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1))
                    self.assertIn(allowed, ended.err[0])

    def test_a_program_without_a_bounded_queue_has_no_such_option(self):
        for program in set(PROGRAMS) - set(WITH_QUEUE):
            with self.subTest(program):
                ended = run(BIN / program, "--port", "0", "--queue-bytes", "65536")
                self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1))
                self.assertIn("--queue-bytes", ended.err[0])


if __name__ == "__main__":
    unittest.main()
