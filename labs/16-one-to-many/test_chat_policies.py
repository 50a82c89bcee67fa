"""What each of lab 16's rooms does about a listener who doesn't read. He is guest1; guest2 speaks, and guest3 hears each line
before the next ones are said, so that nobody but guest1 is slow.

The checks are shown to fail: each is held against a program that has another policy."""

import select
import tempfile
import time
import unittest
from pathlib import Path

from common.testing.machine import can_trace
from common.testing.processes import wait_until

from .guests import CUT_OFF, DROPPED, Room, most_in_send_buffer, numbered, said, why_not_here

BATCH = 40
SPEAKER = b"guest2"
LEFT = b"* guest1 has left"


def enough():
    """Lines that all buffers between the program and a silent listener can't hold, and no queue of the tests either."""
    return 2 * most_in_send_buffer() // 1000


def speak(speaker, listener, first, count):
    """Says so many numbered lines, some at a time. Returns what else the listener heard."""
    other = []
    for begin in range(first, first + count, BATCH):
        numbers = range(begin, min(begin + BATCH, first + count))
        speaker.say(*map(numbered, numbers))
        wanted = said(SPEAKER, numbers)
        while wanted:
            line = listener.hears()
            if line == wanted[0]:
                wanted.pop(0)
            else:
                other.append(line)
    return other


def accounted(lines, first=0):
    """Goes through what a listener heard whose lines may be dropped: each is whole, in its place, and where some lack it
    was said how many. Returns the number of the next line, and how many were dropped."""
    number, dropped = first, 0
    for line in lines:
        if told := DROPPED.fullmatch(line):
            number, dropped = number + int(told[1]), dropped + int(told[1])
        else:
            assert [line] == said(SPEAKER, [number]), f"line {number} was to come, not {line!r}"
            number += 1
    return number, dropped


class NobodyWaits(AssertionError):
    """All was said, and the room never stood still."""


def stands_still(room, reader):
    """True once a thread of the room stands in send and goes on standing there; false when guest3 has something to hear."""
    still = 0
    while still < 20:
        if select.select([reader.connection], [], [], 0.005)[0]:
            return False
        still = still + 1 if room.is_waiting_in_send() else 0
    return True


class Policies(unittest.TestCase):
    def needs(self, *programs):
        for program in programs:
            if why := why_not_here(program):
                self.skipTest(why)

    def check_the_room_waits(self, program):
        with Room(program, guests=3) as room:
            silent, speaker, reader = room.guests
            for number in range(enough()):
                speaker.say(numbered(number))
                if stands_still(room, reader):
                    break
                self.assertEqual([reader.hears()], said(SPEAKER, [number]))
            else:
                raise NobodyWaits
            self.assertTrue(silent.hears_lines(number + 1) == said(SPEAKER, range(number + 1)))
            self.assertEqual([reader.hears()], said(SPEAKER, [number]))  # now only
            room.enter()

    def test_wait_and_threads_wait_until_he_reads(self):
        for program in ("chat-wait", "chat-threads"):
            with self.subTest(program):
                self.check_the_room_waits(program)

    def test_forget_does_not_wait(self):
        with self.assertRaises(NobodyWaits):
            self.check_the_room_waits("chat-forget")

    def heard_after_silence(self, program, *options):
        """All bytes that guest1 gets, who reads when everything was said and ends his direction then."""
        with Room(program, guests=3, options=options) as room:
            silent, speaker, reader = room.guests
            speak(speaker, reader, 0, enough())
            silent.ends_his_direction()
            self.assertEqual(reader.hears(), LEFT)
            return silent.gets_to_the_end().splitlines()

    def test_forget_loses_bytes(self):
        heard = self.heard_after_silence("chat-forget")
        everything = said(SPEAKER, range(enough()))
        self.assertLess(len(heard), len(everything))
        self.assertTrue(heard[:20] == everything[:20])  # as long as there is room

    def test_keep_loses_nothing_even_for_who_has_ended_his_direction(self):
        self.assertTrue(self.heard_after_silence("chat-keep") == said(SPEAKER, range(enough())))

    def test_drop_is_told_of_by_the_line_even_to_who_has_ended_his_direction(self):
        for program in ("chat-drop", "chat-io-uring"):
            with self.subTest(program):
                self.needs(program)
                number, dropped = accounted(self.heard_after_silence(program))
                self.assertEqual(number, enough())
                self.assertGreater(dropped, 0)

    def test_an_account_of_lost_lines_can_fail(self):
        lines = said(SPEAKER, [0, 1, 4])
        told = b"* 2 lines were dropped: you read too slowly"
        self.assertEqual(accounted([*lines[:2], told, lines[2]]), (5, 2))
        for wrong in (
            lines,
            [told, *lines],
            [*lines[:2], told.replace(b"2", b"1"), lines[2]],
            [lines[0][:-1]],
        ):
            with self.assertRaises(AssertionError):
                accounted(wrong)
        with self.assertRaises(AssertionError):
            self.assertEqual(accounted(self.heard_after_silence("chat-forget"))[0], enough())

    def growth(self, program):
        """How much memory the room takes for what guest1 doesn't read, and how much was said that no buffer holds."""
        with Room(program, guests=3) as room:
            _, speaker, reader = room.guests
            speak(speaker, reader, 0, BATCH)
            before = room.resident_bytes()
            lines = (most_in_send_buffer() + 16_000_000) // 1000
            speak(speaker, reader, BATCH, lines)
            return room.resident_bytes() - before

    def test_keep_grows_by_what_was_said(self):
        self.assertGreater(self.growth("chat-keep"), 14_000_000)

    def test_the_others_do_not_grow(self):
        for program in ("chat-forget", "chat-drop", "chat-io-uring"):
            with self.subTest(program):
                self.needs(program)
                self.assertLess(self.growth(program), 2_000_000)

    def test_who_reads_hears_all_of_a_burst_that_swells_beyond_the_queue(self):
        """An empty line of the speaker's is one byte, and nine to his listener."""
        for program in ("chat-drop", "chat-io-uring"):
            with self.subTest(program):
                self.needs(program)
                with Room(program, guests=2, options=("--queue-bytes", "4096")) as room:
                    speaker, listener = room.guests
                    speaker.connection.sendall(b"\n" * 1000)
                    self.assertEqual(listener.hears_lines(1000), [b"guest1: "] * 1000)

    def test_drop_goes_on_when_he_reads_again(self):
        """He is silent, reads all that waits, and is silent again; with the smallest queue."""
        for program in ("chat-drop", "chat-io-uring"):
            with self.subTest(program):
                self.needs(program)
                with Room(program, guests=3, options=("--queue-bytes", "4096")) as room:
                    silent, speaker, reader = room.guests
                    reached = dropped = 0
                    for part in range(1, 4):
                        for number in range(reached, part * enough(), 3):
                            speak(speaker, reader, number, min(3, part * enough() - number))
                        while (
                            reached < part * enough()
                        ):  # he is told of what was dropped last without a next line
                            reached, more = accounted([silent.hears()], reached)
                            dropped += more
                    self.assertGreater(dropped, enough())
                    silent.say(b"now I am quick")
                    self.assertEqual(reader.hears(), b"guest1: now I am quick")

    def test_cut_off_at_once_when_the_queue_is_full(self):
        with Room("chat-cut-off", guests=3) as room:
            silent, speaker, reader = room.guests
            descriptors = room.descriptors()
            self.assertEqual(speak(speaker, reader, 0, enough()), [LEFT])
            self.assertEqual(speaker.hears(), LEFT)
            *heard, last = silent.hears_to_the_end()
            self.assertEqual(last, CUT_OFF)
            self.assertGreater(len(heard), 0)
            self.assertTrue(heard == said(SPEAKER, range(len(heard))))
            silent.leaves()
            self.assertTrue(wait_until(lambda: room.descriptors() == descriptors - 1))
            room.enter(told=[speaker, reader])

    def test_who_is_cut_off_in_the_middle_of_a_line_gets_the_rest_of_it(self):
        """He reads half of it all the while, and his queue is long: it is sent by the piece, and a piece ends within a line."""
        with Room("chat-cut-off", guests=3, options=("--queue-bytes", 2 * most_in_send_buffer())) as room:
            silent, speaker, reader = room.guests
            number, other = 0, []
            while not other and number < 10 * enough():
                other = speak(speaker, reader, number, BATCH)
                number += BATCH
                silent.rest += silent.connection.recv(BATCH * 500)
            self.assertEqual(other, [LEFT])
            *heard, last, after = silent.gets_to_the_end().split(b"\n")
            self.assertEqual(after, b"")
            self.assertEqual(last, CUT_OFF)
            self.assertTrue(heard == said(SPEAKER, range(len(heard))))

    def test_cut_off_when_the_queue_stays_half_full_for_long(self):
        """Of four parts that the queue has room for, the kernel holds one at most. So after less than two it is not half full,
        and after more than three it is, and not full."""
        part = most_in_send_buffer() // 1000
        with Room("chat-cut-off", guests=3, options=("--queue-bytes", 4 * part * 1050)) as room:
            silent, speaker, reader = room.guests
            self.assertEqual(speak(speaker, reader, 0, 2 * part), [])
            time.sleep(3)  # longer than the patience: no order hangs on it
            self.assertEqual(speak(speaker, reader, 2 * part, BATCH), [])
            speak_more = 3 * part + 2 * BATCH
            early = speak(speaker, reader, 2 * part + BATCH, speak_more - 2 * part - BATCH)
            if not early:  # it is said that he left when nothing else happens
                self.assertEqual(reader.hears(), LEFT)
            *heard, last = silent.hears_to_the_end()
            self.assertEqual(last, CUT_OFF)
            self.assertTrue(heard == said(SPEAKER, range(len(heard))))
            self.assertLess(len(heard), 2 * part)

    def test_who_was_cut_off_and_never_reads_costs_no_descriptor_for_ever(self):
        with Room("chat-cut-off", guests=3) as room:
            _, speaker, reader = room.guests
            descriptors = room.descriptors()
            self.assertEqual(speak(speaker, reader, 0, enough()), [LEFT])
            self.assertEqual(room.descriptors(), descriptors)
            self.assertTrue(wait_until(lambda: room.descriptors() == descriptors - 1, 60))

    def test_a_listener_who_is_reset_with_a_full_queue_is_told_of(self):
        for program in ("chat-keep", "chat-drop", "chat-io-uring"):
            with self.subTest(program):
                self.needs(program)
                with Room(program, guests=3) as room:
                    silent, speaker, reader = room.guests
                    descriptors = room.descriptors()
                    speak(speaker, reader, 0, enough())
                    silent.is_reset()
                    self.assertEqual(reader.hears(), LEFT)
                    self.assertTrue(wait_until(lambda: room.descriptors() == descriptors - 1))

    def test_a_line_for_ten_listeners_is_one_call(self):
        """Of io_uring. With epoll it is one for each of them, and two more."""
        self.needs("chat-io-uring")
        if not can_trace():
            self.skipTest("strace is not installed or not allowed: calls can't be seen")
        self.assertAlmostEqual(calls_a_line("chat-io-uring", "io_uring_enter"), 1, delta=0.2)
        self.assertAlmostEqual(calls_a_line("chat-drop", "sendto,recvfrom,epoll_wait"), 12, delta=0.2)


def calls_a_line(program, calls, lines=200):
    """How often the program makes one of these calls for a line that ten hear."""
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        watch = ("strace", "-f", "-o", trace, "-e", f"trace={calls}")

        def counted():
            return sum("(" in line for line in trace.read_text(encoding="utf-8").splitlines())

        with Room(program, guests=11, prefix=watch) as room:
            speaker, *listeners = room.guests

            def say(count):
                for _ in range(count):
                    speaker.say(b"hello")
                    assert {listener.hears() for listener in listeners} == {b"guest1: hello"}
                return counted()

            assert wait_until(lambda: say(1) > 0)
            before = say(1)
            return (say(lines) - before) / lines


if __name__ == "__main__":
    unittest.main()
