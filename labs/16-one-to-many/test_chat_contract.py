"""What all of lab 16's rooms do alike, line by line."""

import socket
import unittest

from .guests import Room, why_not_here

COMMANDS = b"* refused: the commands are /nick NAME and /quit"
CONTROLS = b"* refused: control characters"
NAMES = b"* refused: a name has 1 to 20 letters, digits, _ or -"
TOO_LONG = b"* refused: a line has at most 1000 bytes"


class Contract:
    """To be run for each program. A line that must not come is looked for by what comes in its place: the next line."""

    program = ""

    def setUp(self):
        if why := why_not_here(self.program):
            self.skipTest(why)

    def test_who_comes_is_greeted_and_the_others_are_told(self):
        with Room(self.program) as room:
            for _ in range(5):
                room.enter()

    def test_who_goes_is_told_of_whatever_the_way(self):
        with Room(self.program, guests=4) as room:
            listener, ending, resetting, quitting = room.guests
            for name, go in (
                (b"guest2", ending.leaves),
                (b"guest3", resetting.is_reset),
                (b"guest4", lambda: quitting.say(b"/quit")),
            ):
                go()
                self.assertEqual(listener.hears(), b"* " + name + b" has left")

    def test_a_line_goes_to_all_others_and_not_to_the_speaker(self):
        with Room(self.program, guests=3) as room:
            one, two, three = room.guests
            one.say(b"hello")
            self.assertEqual([two.hears(), three.hears()], [b"guest1: hello"] * 2)
            two.say(b"")
            self.assertEqual([one.hears(), three.hears()], [b"guest2: "] * 2)

    def test_half_lines_wait_and_sticky_lines_are_cut(self):
        with Room(self.program, guests=2) as room:
            speaker, listener = room.guests
            for piece in (b"o", b"ne\r", b"\ntwo\nthr"):
                speaker.connection.sendall(piece)
            self.assertEqual(listener.hears_lines(2), [b"guest1: one", b"guest1: two"])
            listener.say(b"still there?")  # that he is heard shows that the half line isn't sent
            self.assertEqual(speaker.hears(), b"guest2: still there?")
            speaker.connection.sendall(b"ee\n")
            self.assertEqual(listener.hears(), b"guest1: three")

    def test_a_last_line_without_end_is_dropped(self):
        with Room(self.program, guests=2) as room:
            speaker, listener = room.guests
            speaker.connection.sendall(b"whole\nhalf")
            speaker.leaves()
            self.assertEqual(listener.hears_lines(2), [b"guest1: whole", b"* guest1 has left"])

    def test_names(self):
        with Room(self.program, guests=2) as room:
            one, two = room.guests
            one.say(b"/nick Bob-_9", b"hello")
            self.assertEqual(one.hears(), b"* you are Bob-_9")
            self.assertEqual(two.hears_lines(2), [b"* guest1 is now Bob-_9", b"Bob-_9: hello"])
            wrong = [b"", b" x", b"a b", b"x" * 21, b"a.b", "é".encode(), b"Bob-_9 "]
            two.say(
                *[b"/nick " + name for name in wrong], b"/nick Bob-_9", b"/nick guest1", b"/nick " + b"x" * 20
            )
            self.assertEqual(two.hears_lines(len(wrong)), [NAMES] * len(wrong))
            self.assertEqual(
                two.hears_lines(3),
                [b"* refused: Bob-_9 is taken", b"* you are guest1", b"* you are " + b"x" * 20],
            )
            self.assertEqual(one.hears_lines(2), [b"* guest2 is now guest1", b"* guest1 is now " + b"x" * 20])
            two.leaves()
            self.assertEqual(one.hears(), b"* " + b"x" * 20 + b" has left")
            room.enter(told=[one])  # guest3: no number comes twice

    def test_other_commands_are_refused(self):
        with Room(self.program, guests=2) as room:
            speaker, listener = room.guests
            lines = [b"/", b"/nick", b"/quit now", b"/help", b"/Quit"]
            speaker.say(*lines, b"over")
            self.assertEqual(speaker.hears_lines(len(lines)), [COMMANDS] * len(lines))
            self.assertEqual(listener.hears(), b"guest1: over")

    def test_control_characters_reach_nobody_and_all_other_bytes_do(self):
        controls = [bytes([code]) for code in (*range(0x20), 0x7F) if code != 0x0A]
        controls += [bytes([0xC2, code]) for code in range(0x80, 0xA0)]
        others = bytes(code for code in range(0x20, 0x100) if code not in (0x2F, 0x7F))
        others = others.replace(b"\xc2", b"") + b"\xc2\xa0\xc2/ \xc3\x80"
        with Room(self.program, guests=2) as room:
            speaker, listener = room.guests
            lines = [b"a" + control + b"b" for control in controls]
            speaker.say(*lines, others)
            self.assertEqual(speaker.hears_lines(len(lines)), [CONTROLS] * len(lines))
            self.assertEqual(listener.hears(), b"guest1: " + others)

    def test_a_line_has_a_thousand_bytes_at_most(self):
        with Room(self.program, guests=2) as room:
            speaker, listener = room.guests
            speaker.say(b"x" * 1000, b"y" * 1000 + b"\r", b"z" * 1001, b"/" * 5000, b"over")
            self.assertEqual(
                listener.hears_lines(3),
                [b"guest1: " + b"x" * 1000, b"guest1: " + b"y" * 1000, b"guest1: over"],
            )
            speaker.say(b"/")
            self.assertEqual(speaker.hears_lines(3), [TOO_LONG, TOO_LONG, COMMANDS])

    def test_a_line_without_end_costs_no_memory(self):
        with Room(self.program, guests=2) as room:
            speaker, listener = room.guests
            before = room.resident_bytes()
            for _ in range(64):
                speaker.connection.sendall(b"x" * 1_000_000)
            speaker.say(b"", b"over")
            self.assertEqual(listener.hears(), b"guest1: over")
            self.assertLess(room.resident_bytes() - before, 16_000_000)
            speaker.say(b"/")
            self.assertEqual(speaker.hears_lines(2), [TOO_LONG, COMMANDS])

    def test_quit_is_answered_by_an_end_in_order(self):
        with Room(self.program, guests=2) as room:
            quitting, listener = room.guests
            quitting.say(b"bye", b"/nope", b"/quit", *[b"not heard" * 100] * 100)
            self.assertEqual(quitting.hears_to_the_end(), [COMMANDS])
            self.assertEqual(listener.hears_lines(2), [b"guest1: bye", b"* guest1 has left"])
            listener.say(b"/quit")
            self.assertEqual(listener.hears_to_the_end(), [])

    def test_who_has_ended_his_direction_still_gets_what_was_said_before(self):
        with Room(self.program, guests=2) as room:
            speaker, listener = room.guests
            listener.say(b"/no", b"/no")
            listener.ends_his_direction()
            self.assertEqual(speaker.hears(), b"* guest2 has left")
            speaker.say(b"not for him")
            self.assertEqual(listener.hears_to_the_end(), [COMMANDS] * 2)
            room.enter(told=[speaker])

    def test_all_hear_one_order(self):
        """Five speak at once, a line a send, and all of them hear the others; two only listen."""
        lines = 200
        with Room(self.program, guests=7) as room:
            speakers = room.guests[:5]
            for guest in room.guests:
                guest.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(lines):
                for speaker in speakers:
                    speaker.say(b"line %d" % number)
            first, second = [guest.hears_lines(5 * lines) for guest in room.guests[5:]]
            self.assertEqual(first, second)
            for place, speaker in enumerate(speakers, 1):
                own = b"guest%d: " % place
                self.assertEqual(
                    [line for line in first if line.startswith(own)],
                    [own + b"line %d" % number for number in range(lines)],
                )
                others = [line for line in first if not line.startswith(own)]
                self.assertEqual(speaker.hears_lines(4 * lines), others)


class Wait(Contract, unittest.TestCase):
    program = "chat-wait"


class Forget(Contract, unittest.TestCase):
    program = "chat-forget"


class Keep(Contract, unittest.TestCase):
    program = "chat-keep"


class Drop(Contract, unittest.TestCase):
    program = "chat-drop"


class CutOff(Contract, unittest.TestCase):
    program = "chat-cut-off"


class Threads(Contract, unittest.TestCase):
    program = "chat-threads"


class IoUring(Contract, unittest.TestCase):
    program = "chat-io-uring"


if __name__ == "__main__":
    unittest.main()
