"""Lab 02's reproduction: what sticky-client sends with several sends, sticky-server reads as one stream of bytes."""

import contextlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from common.testing import conversation
from common.testing.conversation import reset
from common.testing.processes import BIN, Family, finish, run, start, wait_until
from .test_sticky_packets_support import (
    HELLO,
    byte_counts,
    client_of,
    connections_to,
    end_of,
    late,
    late_reader,
    read_until,
    running,
    server_of,
    stop,
)

LONG = 3_600_000  # milliseconds: longer than any test


class Reproduction(unittest.TestCase):
    def test_a_hundred_runs_and_two_messages_in_one_read_each_time(self):
        family = Family()
        for _ in range(100):
            read, sent = late(["sticky-server", "--delay-ms", "0"], ["sticky-client"], family)
            self.assertEqual((sent.code, sent.out, sent.err), (0, [f"sent 14 bytes: {HELLO}"] * 2, []))
            self.assertEqual((read.code, read.out, read.err), (0, [f"read 28 bytes: {HELLO}{HELLO}"], []))
        self.assertEqual(family.left(), [])

    def test_by_default_the_server_reads_after_two_seconds(self):
        with server_of("sticky-server") as server:
            self.assertRegex(server.announced, r"^listening on 127\.0\.0\.1:[1-9]\d*\n$")
            before = time.monotonic()
            self.assertEqual(client_of("sticky-client", server).code, 0)
            ended = end_of(server)
            self.assertGreaterEqual(time.monotonic() - before, 2.0)
        self.assertEqual(ended.out, [f"read 28 bytes: {HELLO}{HELLO}"])
        self.assertEqual((ended.code, ended.err, ended.left), (0, [], []))

    def test_a_pause_and_nodelay_cure_nothing_when_the_reader_is_late(self):
        for options in (
            ["--gap-ms", "50"],
            ["--nodelay"],
            ["--gap-ms", "50", "--nodelay"],
            ["--hold-ms", "50"],
        ):
            read, sent = late(["sticky-server", "--delay-ms", "0"], ["sticky-client", *options])
            self.assertEqual(sent.out, [f"sent 14 bytes: {HELLO}"] * 2, options)
            self.assertEqual(read.out, [f"read 28 bytes: {HELLO}{HELLO}"], options)

    def test_with_a_pause_and_a_reader_that_is_ready_the_first_message_comes_alone(self):
        """The pause is still going on when the line is there: no second message can have come."""
        with server_of("sticky-server", "--delay-ms", "0") as server:
            with running("sticky-client", server, "--gap-ms", LONG):
                self.assertEqual(read_until(server.process.stdout, "\n"), f"read 14 bytes: {HELLO}\n")

    def test_closing_is_not_what_makes_them_stick(self):
        """The client holds the connection open, and one read shows both messages all the same."""
        with server_of("sticky-server", "--delay-ms", "0") as server:
            stop(server.process)
            with running("sticky-client", server, "--hold-ms", LONG) as client:
                self.assertTrue(wait_until(lambda: connections_to(server.port) == [("01", 28)]))
                server.process.send_signal(signal.SIGCONT)
                self.assertEqual(read_until(server.process.stdout, "\n"), f"read 28 bytes: {HELLO}{HELLO}\n")
                self.assertIsNone(client.poll())
            self.assertEqual(end_of(server).code, 0)

    def test_the_pause_and_the_hold_are_at_least_as_long_as_asked(self):
        with late_reader("sticky-server", "--delay-ms", "0") as server:
            before = time.monotonic()
            client_of("sticky-client", server, "--messages", "3", "--gap-ms", "40", "--hold-ms", "60")
            self.assertGreaterEqual(time.monotonic() - before, 2 * 0.040 + 0.060)


class Bytes(unittest.TestCase):
    def test_each_size_of_read_cuts_the_stream_there(self):
        stream = HELLO * 2
        for size in (1, 2, 10, 13, 14, 15, 27, 28, 29, 65536):
            read, _ = late(["sticky-server", "--delay-ms", "0", "--read-size", size], ["sticky-client"])
            pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
            self.assertEqual(read.out, [f"read {len(piece)} bytes: {piece}" for piece in pieces], size)

    def test_no_option_loses_or_adds_a_byte(self):
        for options, total in (
            ([], 28),
            (["--messages", "1"], 14),
            (["--messages", "1000"], 14000),
            (["--text", "x"], 2),
            (["--text", "中文", "--messages", "3"], 18),
            (["--size", "12"], 24),
            (["--size", "300000", "--messages", "5"], 1_500_000),
            (["--size", "1000000", "--messages", "20", "--nodelay"], 20_000_000),
            (["--messages", "5", "--gap-ms", "2", "--nodelay", "--hold-ms", "5"], 70),
        ):
            for size in (1000, 65536):
                with server_of("sticky-server", "--delay-ms", "0", "--read-size", size) as server:
                    with tempfile.TemporaryFile("w+") as file:
                        family = Family()
                        client = start(
                            [BIN / "sticky-client", "--port", server.port, *options], family, stdout=file
                        )
                        read = end_of(server)
                        sent = finish(client, family)
                        file.seek(0)
                        sends = file.read().splitlines()
                self.assertEqual((sent.code, sent.err, read.code, read.err), (0, [], 0, []), options)
                self.assertEqual(sum(byte_counts(sends, "sent")), total, options)
                self.assertEqual(sum(byte_counts(read.out, "read")), total, options)
                self.assertLessEqual(max(byte_counts(read.out, "read")), size)

    def test_a_large_message_arrives_in_several_reads(self):
        """It is larger than what a read may return."""
        read, sent = late(
            ["sticky-server", "--delay-ms", "0", "--read-size", "10000"],
            ["sticky-client", "--messages", "1", "--size", "25000"],
        )
        self.assertEqual(byte_counts(sent.out, "sent"), [25000])
        self.assertEqual(byte_counts(read.out, "read"), [10000, 10000, 5000])

    def test_the_messages_of_a_size_can_be_told_apart(self):
        read, _ = late(
            ["sticky-server", "--delay-ms", "0", "--read-size", "12"],
            ["sticky-client", "--messages", "28", "--size", "12"],
        )
        self.assertEqual(read.out[0], "read 12 bytes: [1]aaaaaaaaa")
        self.assertEqual(
            read.out[25:],
            [f"read 12 bytes: {text}" for text in ("[26]zzzzzzzz", "[27]aaaaaaaa", "[28]bbbbbbbb")],
        )

    def test_what_could_disturb_a_terminal_is_escaped_and_what_is_long_is_abridged(self):
        for text, shown in (
            ("\x1b[31m\r\n\t\\\x7f", r"\x1b[31m\r\n\t\\\x7f"),
            ("服务器", "服务器"),
            (b"\xff\xc3(", r"\xff\xc3("),
            ("a" * 101, "a" * 100 + "… (1 bytes more)"),
        ):
            sent_bytes = text if isinstance(text, bytes) else str(text).encode()
            count = len(sent_bytes)
            with late_reader("sticky-server", "--delay-ms", "0") as server:
                words = [
                    os.fsencode(str(word))
                    for word in (BIN / "sticky-client", "--port", server.port, "--messages", 1)
                ]
                words += [b"--text", sent_bytes]
                sent = subprocess.run(words, capture_output=True, timeout=60, check=False)
            self.assertEqual(sent.stdout.decode(), f"sent {count} bytes: {shown}\n")
            self.assertEqual(server.ended.out, [f"read {count} bytes: {shown}"])
        read, _ = late(
            ["sticky-server", "--delay-ms", "0", "--read-size", "4"],
            ["sticky-client", "--text", "中文", "--messages", 1],
        )
        self.assertEqual(read.out, [r"read 4 bytes: 中\xe6", r"read 2 bytes: \x96\x87"])


class Ends(unittest.TestCase):
    def test_bad_options_are_one_line_and_exit_2(self):
        for program, words, said in (
            ("sticky-server", ["--delay-ms", "-1"], "--delay-ms takes a whole number from 0"),
            ("sticky-server", ["--read-size", "0"], "--read-size takes a whole number from 1"),
            ("sticky-server", ["--messages", "2"], "--messages"),
            ("sticky-client", ["--messages", "0"], "--messages takes a whole number from 1"),
            ("sticky-client", ["--size", "11"], "--size takes a whole number from 12"),
            ("sticky-client", ["--text", "x", "--size", "14"], "give one of them"),
            ("sticky-client", ["--text", HELLO, "--size", "14"], "give one of them"),
            ("sticky-client", ["--text", "", "--size", "14"], "give one of them"),
            ("sticky-client", ["--text", ""], "at least one byte"),
            ("sticky-client", ["--gap-ms", "soon"], "--gap-ms takes a whole number"),
            ("sticky-client", ["--port", "0"], "--port takes a whole number from 1"),
        ):
            ended = run(BIN / program, *words, seconds=10)
            self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1), (program, words, ended.err))
            self.assertTrue(ended.err[0].startswith(f"{program}: "), ended.err)
            self.assertIn(said, ended.err[0])

    def test_a_signal_ends_the_server_while_it_waits(self):
        for connected in (False, True):
            with server_of("sticky-server", "--delay-ms", LONG) as server:
                if connected:
                    self.assertEqual(client_of("sticky-client", server).code, 0)
                ended = server.end(signal.SIGTERM)
            self.assertEqual((ended.code, ended.out, ended.err), (0, [], []))

    def test_a_client_that_resets_is_reported(self):
        with late_reader("sticky-server", "--delay-ms", "0") as server:
            connection = conversation.connect(("127.0.0.1", server.port))
            connection.sendall(b"half a mess")
            reset(connection)
        self.assertEqual(server.ended.code, 1)
        self.assertEqual(server.ended.out, ["read 11 bytes: half a mess"])  # what had come before is there
        self.assertEqual(server.ended.err, ["sticky-server: recv: Connection reset by peer"])

    def test_a_client_without_a_server_is_told(self):
        with conversation.listen() as listener:
            port = listener.getsockname()[1]
        ended = run(BIN / "sticky-client", "--port", port)
        self.assertEqual((ended.code, ended.out, len(ended.err)), (1, [], 1))
        self.assertRegex(ended.err[0], r"^sticky-client: connect 127\.0\.0\.1:\d+: Connection refused$")


class ShortSends(unittest.TestCase):
    """A send that waits for room takes what it has room for when something interrupts it."""

    SIZE = 50_000_000

    @contextlib.contextmanager
    def blocked_client(self):
        """A client that is in the middle of its send, and the other end of its connection."""
        with conversation.listen() as listener:
            family = Family()
            words = ["--port", listener.getsockname()[1], "--messages", 1, "--size", self.SIZE]
            client = start([BIN / "sticky-client", *words], family)
            connection, _ = listener.accept()
            with connection:
                connection.recv(1, socket.MSG_PEEK)
                yield client, family, connection
            if client.returncode is None:
                finish(client, family, 1)

    def test_the_rest_is_sent(self):
        with self.blocked_client() as (client, family, connection):

            def interrupted():
                stop(client)
                client.send_signal(signal.SIGCONT)
                return select.select([client.stdout], [], [], 0.05)[0]

            self.assertTrue(wait_until(interrupted))
            received = bytearray()
            while piece := connection.recv(1 << 20):
                received += piece
            ended = finish(client, family)
        self.assertEqual(received, b"[1]" + b"a" * (self.SIZE - 3))
        counts = byte_counts(ended.out, "sent")
        self.assertGreater(len(counts), 1)
        self.assertEqual((ended.code, sum(counts)), (0, self.SIZE))
        self.assertEqual(
            ended.err[0],
            f"sticky-client: a short send: {self.SIZE - counts[0]} bytes are left of {self.SIZE}",
        )
        self.assertEqual(len(ended.err), len(counts) - 1)

    def test_a_server_that_goes_away_meanwhile_is_reported(self):
        with self.blocked_client() as (client, family, connection):
            reset(connection)
            ended = finish(client, family)
        self.assertEqual(ended.code, 1)
        self.assertLess(sum(byte_counts(ended.out, "sent")), self.SIZE)
        self.assertRegex(ended.err[-1], r"^sticky-client: send: (Connection reset by peer|Broken pipe)$")


@unittest.skipUnless(shutil.which("strace"), "strace is not installed")
class Calls(unittest.TestCase):
    def test_each_message_is_one_send_and_nodelay_sets_the_option(self):
        for options, set_options in (([], 0), (["--nodelay"], 1)):
            with tempfile.TemporaryDirectory() as folder, late_reader(
                "sticky-server", "--delay-ms", "0"
            ) as server:
                calls = Path(folder) / "calls"
                words = [
                    "strace",
                    "-o",
                    calls,
                    "-e",
                    "trace=network",
                    BIN / "sticky-client",
                    "--port",
                    server.port,
                    *options,
                ]
                if run(*words).code != 0:
                    self.skipTest("strace can't trace here")
                text = calls.read_text(encoding="utf-8")
            self.assertEqual(text.count("sendto("), 2)
            self.assertEqual(
                len(re.findall(r"setsockopt\(\d+, SOL_TCP, TCP_NODELAY, \[1\]", text)), set_options
            )


if __name__ == "__main__":
    unittest.main()
