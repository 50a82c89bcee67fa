"""Lab 10's pair: totals and checksums are right at both ends, whoever waits how; what is shown meanwhile.

Where the reader has to be slow, it is stopped (SIGSTOP): then it is certain that the writer has to wait, or that it has
ended before the reader has read a byte. No test depends on how fast anything is.
"""

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess
import unittest

from common.testing import conversation
from common.testing.processes import BIN, wait_until

from .transfers import (
    SMALL,
    WAYS,
    WithRecords,
    complaints,
    finished,
    more_than_all_buffers,
    reader,
    stream_of,
    totals,
)


class Totals(WithRecords):
    def check_pair(self, server, ended, messages, size=64):
        read = finished(server)
        stream = stream_of(messages, size)
        self.assertEqual((ended.code, complaints(ended)), (0, []))
        self.assertEqual((read.code, complaints(read)), (0, []))
        self.assertEqual(ended.out[-1], totals("sent", messages, stream))
        self.assertEqual(read.out, [totals("received", messages, stream)])
        return ended

    def test_all_ways_of_waiting_with_small_buffers(self):
        for way in WAYS:
            with self.subTest(way), reader("--rcvbuf", "4096", "--sleep-us", "0") as server:
                server.process.send_signal(signal.SIGSTOP)
                with self.writer(server, *SMALL, "--wait", way, "--messages", "20000") as process:
                    self.wait_until_blocked()
                    server.process.send_signal(signal.SIGCONT)
                    ended = self.check_pair(server, process.end(), 20000)
                work, blocked, _ = ended.out
                self.assertGreaterEqual(
                    int(re.match(r"blocked (\d+) times, [\d.]+ ms in all, ", blocked)[1]), 1
                )
                units = int(re.match(r"did (\d+) units of other work while waiting", work)[1])
                self.assertEqual(units > 0, way != "block")
                (self.folder / "writer.csv").unlink()

    def test_default_buffers_that_can_not_hold_all(self):
        size = 4096
        messages = more_than_all_buffers() // size
        with reader("--size", str(size), "--sleep-us", "0") as server:
            server.process.send_signal(signal.SIGSTOP)
            with self.writer(server, "--size", str(size), "--messages", str(messages)) as process:
                self.wait_until_blocked()
                server.process.send_signal(signal.SIGCONT)
                self.check_pair(server, process.end(), messages, size)

    def test_the_writer_ends_before_the_reader_has_read_a_byte(self):
        for way in WAYS:
            with self.subTest(way), reader("--sleep-us", "0") as server:
                server.process.send_signal(signal.SIGSTOP)
                with self.writer(server, "--wait", way, "--messages", "500") as process:
                    ended = process.end()
                self.assertEqual(ended.out[0], "did 0 units of other work while waiting (0 primes found)")
                self.assertRegex(
                    ended.out[1], r"^blocked 0 times, 0\.0 ms in all, finished after \d+\.\d ms$"
                )
                server.process.send_signal(signal.SIGCONT)
                self.check_pair(server, ended, 500)

    def test_it_sleeps_after_each_message(self):
        with reader("--sleep-us", "1000") as server, self.writer(server, "--messages", "50") as process:
            self.check_pair(server, process.end(), 50)

    def test_other_sizes(self):
        for size in (1, 11, 1000):
            with self.subTest(size), reader("--size", str(size), "--sleep-us", "0") as server:
                with self.writer(server, "--size", str(size), "--messages", "30") as process:
                    ended, read = process.end(), finished(server)
                self.assertEqual((ended.code, read.code), (0, 0))
                self.assertEqual(ended.out[-1].removeprefix("sent "), read.out[0].removeprefix("received "))
                self.assertIn(f"30 messages, {30 * size} bytes", read.out[0])

    def test_sends_that_take_only_a_part(self):
        """A message that is larger than both buffers together can't be taken whole."""
        for way in WAYS:
            with self.subTest(way), reader(
                "--size", "50000", "--rcvbuf", "4096", "--sleep-us", "0"
            ) as server:
                with self.writer(
                    server, *SMALL, "--size", "50000", "--messages", "20", "--wait", way
                ) as process:
                    self.check_pair(server, process.end(), 20, 50_000)

    def test_no_messages(self):
        with reader() as server, self.writer(server, "--messages", "0") as process:
            self.check_pair(server, process.end(), 0)

    def test_a_message_that_comes_in_pieces(self):
        with reader() as server, conversation.connect(("127.0.0.1", server.port)) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in stream_of(3):
                client.send(bytes([byte]))
            client.close()
            self.assertEqual(finished(server).out, [totals("received", 3, stream_of(3))])

    def test_a_second_client_is_refused(self):
        with reader() as server, conversation.connect(("127.0.0.1", server.port)) as client:
            client.sendall(b"x")

            def refused():
                try:
                    conversation.connect(("127.0.0.1", server.port)).close()
                    return False
                except ConnectionError:
                    return True

            self.assertTrue(wait_until(refused))


class Display(unittest.TestCase):
    """What is shown while it runs: bars on a terminal, which move only where it can and may."""

    def on_terminal(self, **environment):
        """What fast-writer writes to a terminal that is its stderr; its stdout."""
        inside, outside = pty.openpty()
        environment = {**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **environment}
        with reader("--sleep-us", "0") as server, os.fdopen(inside, "rb", buffering=0) as terminal:
            words = [str(BIN / "fast-writer"), "--port", str(server.port), "--messages", "1000"]
            with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=outside) as process:
                os.close(outside)
                out = process.communicate(timeout=60)[0].decode()
            finished(server)
            shown = b""
            with contextlib.suppress(OSError):  # EIO: the terminal's other end has been closed
                while piece := terminal.read(65536):
                    shown += piece
        self.assertRegex(out, r"^did 0 units.*\nblocked .*\nsent 1000 messages, .*\n$")
        return shown.decode()

    def test_on_a_terminal(self):
        shown = self.on_terminal(TERM="xterm")
        self.assertIn("\033[", shown)
        self.assertIn("░", shown)
        self.assertIn("my send queue", shown)

    def test_on_a_terminal_that_is_to_stay_plain(self):
        for environment in ({"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}):
            shown = self.on_terminal(**environment)
            self.assertNotIn("\033", shown)
            self.assertRegex(
                shown,
                r"\A(\d+\.\d s: accepted by send [\d,]+, waited \d+ times\r\n"
                r"  my send queue +[█░]{12} +[\d,]+\r\n"
                r"(  peer's receive queue +[█░]{12} +[\d,]+\r\n)?"
                r"(  blocked in .* for \d+ ms\r\n)?)+\Z",
            )

    def test_in_a_pipe(self):
        with reader("--sleep-us", "0") as server:
            words = [str(BIN / "fast-writer"), "--port", str(server.port), "--messages", "1000"]
            said = subprocess.run(words, capture_output=True, text=True, timeout=60).stderr
            finished(server)
        for line in said.splitlines():
            self.assertRegex(line, r"^fast-writer: \d+\.\d s: accepted by send [\d,]+, waited \d+ times; ")


if __name__ == "__main__":
    unittest.main()
