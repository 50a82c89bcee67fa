"""Lab 02's mistakes: they lose messages where they must, and their counts are right."""

import contextlib
import random
import re
import unittest

from common.testing import conversation
from common.testing.processes import BIN, run
from .test_sticky_packets_support import client_of, end_of, late, late_reader, read_until, server_of

PROGRAMS = ("one-read-one-message", "eagain-ends-message")


def numbered(number, size):
    return (f"[{number}]" + chr(ord("a") + (number - 1) % 26) * size)[:size].encode()


def counts(lines):
    """The six counts that a mistake ends with: arrived, believed, whole, cut, stuck together, never seen whole."""
    names = ("arrived", "believed messages", "  whole", "  cut", "  stuck together", "never seen whole")
    return tuple(int(re.match(rf"{name}[^:]*: (\d+)", line)[1]) for name, line in zip(names, lines[-6:]))


def expected(pieces, messages, size):
    """The same counts, worked out from what was taken for messages: a list of numbers of bytes."""
    whole = cut = stuck = at = 0
    for piece in pieces:
        first, last = at // size, (at + piece - 1) // size
        if first != last:
            stuck += 1
        elif piece == size:
            whole += 1
        else:
            cut += 1
        at += piece
    return at, len(pieces), whole, cut, stuck, messages - whole


class Mistakes(unittest.TestCase):
    @contextlib.contextmanager
    def speaking_to(self, program, messages, size):
        """Yields a function that sends bytes and returns the line in which the program says what it believes."""
        with server_of(program, "--messages", messages, "--size", size) as self.server:
            with conversation.connect(("127.0.0.1", self.server.port)) as connection:

                def say(data):
                    connection.sendall(data)
                    return read_until(self.server.process.stdout, "\n").strip()

                yield say
            self.ended = end_of(self.server)

    def test_one_message_at_a_time_and_a_reader_that_is_ready_go_well(self):
        for program in PROGRAMS:
            with self.speaking_to(program, 3, 20) as say:
                for number in (1, 2, 3):
                    message = numbered(number, 20)
                    line = f"believed {number}: 20 bytes: message {number}, whole: {message[:12].decode()}…"
                    self.assertEqual(say(message), line)
            self.assertEqual((self.ended.code, self.ended.err), (0, []))
            self.assertEqual(counts(self.ended.out), (60, 3, 3, 0, 0, 0))

    def test_a_message_that_comes_in_two_parts_is_taken_for_two(self):
        first, second = numbered(1, 40), numbered(2, 40)
        for program in PROGRAMS:
            with self.speaking_to(program, 2, 40) as say:
                self.assertIn("believed 1: 15 bytes: a part of message 1", say(first[:15]))
                self.assertIn("believed 2: 25 bytes: a part of message 1", say(first[15:]))
                self.assertIn("believed 3: 39 bytes: a part of message 2", say(second[:39]))
                self.assertIn("believed 4: 1 bytes: a part of message 2", say(second[39:]))
            self.assertEqual(counts(self.ended.out), (80, 4, 0, 4, 0, 2))

    def test_a_part_and_the_next_message_stick_together(self):
        stream = numbered(1, 20) + numbered(2, 20)
        for program in PROGRAMS:
            with self.speaking_to(program, 2, 20) as say:
                self.assertIn("10 bytes: a part of message 1", say(stream[:10]))
                self.assertIn("30 bytes: bytes of messages 1 to 2", say(stream[10:]))
            self.assertEqual(counts(self.ended.out), (40, 2, 0, 1, 1, 2))

    def test_late_all_that_waits_is_one_message(self):
        read, _ = late(
            ["one-read-one-message", "--messages", 5, "--read-size", 1024],
            ["sticky-client", "--messages", 5, "--size", 14],
        )
        self.assertEqual(counts(read.out), (70, 1, 0, 0, 1, 5))
        read, _ = late(
            ["eagain-ends-message", "--messages", 50, "--size", 500],
            ["sticky-client", "--messages", 50, "--size", 500],
        )
        self.assertEqual(counts(read.out), (25000, 1, 0, 0, 1, 50))

    def test_the_counts_add_up_for_all_sizes(self):
        generator = random.Random(2)
        for _ in range(25):
            size, messages, read_size = (
                generator.randint(*limits) for limits in ((12, 900), (1, 30), (5, 1500))
            )
            read, _ = late(
                ["one-read-one-message", "--messages", messages, "--size", size, "--read-size", read_size],
                ["sticky-client", "--messages", messages, "--size", size],
            )
            full, rest = divmod(messages * size, read_size)
            pieces = [read_size] * full + [rest] * (rest > 0)
            self.assertEqual(counts(read.out), expected(pieces, messages, size), (size, messages, read_size))

    def test_many_large_messages_whatever_the_scheduler_does(self):
        for program in PROGRAMS:
            with server_of(program, "--messages", 5, "--size", 3_000_000) as server:
                self.assertEqual(
                    client_of("sticky-client", server, "--messages", 5, "--size", 3_000_000).code, 0
                )
                ended = end_of(server)
            arrived, believed, whole, cut, stuck, never = counts(ended.out)
            self.assertEqual((ended.code, arrived), (0, 15_000_000))
            self.assertEqual(whole + cut + stuck, believed)
            self.assertEqual(whole + never, 5)

    def test_of_many_only_the_first_few_are_shown(self):
        read, _ = late(["one-read-one-message", "--read-size", 1], ["sticky-client", "--size", 14])
        self.assertEqual(len(read.out), 6 + 1 + 6)
        self.assertEqual(counts(read.out), (28, 28, 0, 28, 0, 2))

    def test_other_bytes_than_announced_are_no_counts(self):
        for program in PROGRAMS:
            for words in (
                ["--messages", 3, "--size", 14],
                ["--messages", 2, "--size", 15],
                ["--text", "[1]aaaaaaaaaab"],
            ):
                read, _ = late([program], ["sticky-client", *words])
                self.assertEqual((read.code, len(read.err)), (1, 1), words)
                self.assertIn("this is not what sticky-client --messages 2 --size 14 sends", read.err[0])

    def test_a_client_that_sends_less_is_seen(self):
        for program in PROGRAMS:
            with late_reader(program, "--messages", 3) as server:
                client_of("sticky-client", server, "--messages", 1, "--size", 14)
            self.assertEqual(
                (server.ended.code, server.ended.out[-6]), (0, "arrived: 14 of 42 bytes, each as it was sent")
            )
            self.assertEqual(counts(server.ended.out), (14, 1, 1, 0, 0, 2))

    def test_bad_options_are_one_line_and_exit_2(self):
        for program in PROGRAMS:
            for words in (["--size", "11"], ["--messages", "0"], ["--delay-ms", "x"], ["--text", "x"]):
                ended = run(BIN / program, *words, seconds=10)
                self.assertEqual(
                    (ended.code, ended.out, len(ended.err)), (2, [], 1), (program, words, ended.err)
                )


if __name__ == "__main__":
    unittest.main()
