"""Lab 10's pair: totals and checksums are right at both ends, whoever waits how, is killed, or can't write its record.

Where the reader has to be slow, it is stopped (SIGSTOP): then it is certain that the writer has to wait, or that it has
ended before the reader has read a byte. No test depends on how fast anything is.
"""

import contextlib
import csv
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import tempfile
import unittest
import zlib
from pathlib import Path

from common.testing import conversation
from common.testing.processes import BIN, Family, Server, finish, run, start, wait_until

WAYS = ("block", "select", "poll", "epoll", "epoll-edge")
SMALL = ("--sndbuf", "4096")


def message(number, size=64):
    """What fast-writer sends as its message number `number`."""
    return f"{number:010d}".encode().ljust(size - 1, b".") + b"\n"


def totals(verb, count, stream):
    return f"{verb} {count} messages, {len(stream)} bytes, checksum {zlib.crc32(stream):08x}"


def stream_of(messages, size=64):
    return b"".join(message(number, size) for number in range(1, messages + 1))


def reader(*options, **others):
    return Server(BIN / "slow-reader", "--port", "0", *options, **others)


def finished(server):
    """How a reader ended by itself."""
    return finish(server.process, server.family, 60)


def more_than_all_buffers():
    """Bytes that the largest buffers of this machine can't hold."""
    largest = [int(Path(f"/proc/sys/net/ipv4/tcp_{way}mem").read_text().split()[2]) for way in "rw"]
    return 2 * sum(largest)


def complaints(ended):
    """Lines on stderr without those that show how the transfer stands."""
    return [line for line in ended.err if not re.match(r"[a-z-]+: \d+\.\d s: ", line)]


class WithRecords(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    @contextlib.contextmanager
    def writer(self, server, *options):
        """A writer whose record is written to `record`; killed at the end if it still runs."""
        family = Family()
        words = [
            str(BIN / "fast-writer"),
            "--port",
            server.port,
            "--record",
            self.folder / "writer.csv",
            *options,
        ]
        process = start(words, family)
        process.end = lambda: finish(process, family, 60)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()

    def events(self, name="writer"):
        """(time, event, value) of each line that is whole."""
        try:
            text = (self.folder / f"{name}.csv").read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        lines = text.splitlines() if text.endswith("\n") else text.splitlines()[:-1]
        return [(int(row["time_ns"]), row["event"], int(row["value"])) for row in csv.DictReader(lines)]

    def count(self, event, name="writer"):
        return sum(1 for _, seen, _ in self.events(name) if seen == event)

    def wait_until_blocked(self):
        self.assertTrue(
            wait_until(lambda: self.count("blocked_begin") > 0, 30), "the writer did not have to wait"
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


class Breaking(WithRecords):
    """What is reported when the other end, or oneself, is ended."""

    def check_received(self, read, size=64):
        """The totals are those of the first bytes of the writer's stream. Returns how many."""
        found = re.fullmatch(r"received (\d+) messages, (\d+) bytes, checksum ([0-9a-f]{8})", read.out[-1])
        self.assertTrue(found, read.out)
        count, length = int(found[1]), int(found[2])
        self.assertEqual(read.out[-1], totals("received", count, stream_of(count + 1, size)[:length]))
        self.assertEqual(count, length // size)
        return length

    def test_the_reader_is_killed(self):
        for way in WAYS:
            with self.subTest(way), reader("--rcvbuf", "4096") as server:
                server.process.send_signal(signal.SIGSTOP)
                with self.writer(server, *SMALL, "--wait", way) as process:
                    self.wait_until_blocked()
                    server.process.kill()
                    ended = process.end()
                self.assertEqual(ended.code, 1)
                self.assertEqual(len(complaints(ended)), 1)
                self.assertRegex(
                    complaints(ended)[0], r"^fast-writer: send: (Connection reset by peer|Broken pipe)$"
                )
                self.assertRegex(ended.out[-2], r"^blocked [1-9]\d* times, ")
                found = re.fullmatch(r"sent (\d+) messages, (\d+) bytes, checksum [0-9a-f]{8}", ended.out[-1])
                count, length = int(found[1]), int(found[2])
                self.assertLess(count, 100_000)
                self.assertEqual(ended.out[-1], totals("sent", count, stream_of(count + 1)[:length]))
                self.assertEqual(self.count("error"), 1)
                self.assertEqual(self.count("blocked_begin"), self.count("blocked_end"))
                (self.folder / "writer.csv").unlink()

    def test_the_writer_is_killed(self):
        """What the kernel had accepted still arrives."""
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(number), reader("--rcvbuf", "4096", "--sleep-us", "0") as server:
                server.process.send_signal(signal.SIGSTOP)
                with self.writer(server, *SMALL) as process:
                    self.wait_until_blocked()
                    accepted = next(value for _, event, value in self.events() if event == "blocked_begin")
                    process.send_signal(number)
                    self.assertEqual(process.wait(), -number)
                    server.process.send_signal(signal.SIGCONT)
                    read = finished(server)
                length = self.check_received(read)
                self.assertGreaterEqual(length, accepted)
                self.assertLess(length, 6_400_000)
                self.assertEqual(read.code, 1 if length % 64 else 0)
                (self.folder / "writer.csv").unlink()

    def test_a_stream_that_ends_inside_a_message(self):
        with reader() as server, conversation.connect(("127.0.0.1", server.port)) as client:
            client.sendall(stream_of(2)[:100])
            client.close()
            read = finished(server)
        self.assertEqual(read.code, 1)
        self.assertEqual(read.out, [totals("received", 1, stream_of(2)[:100])])
        self.assertEqual(
            complaints(read), ["slow-reader: the stream ended inside a message: only 36 of 64 bytes came"]
        )

    def test_a_reset(self):
        with reader() as server, conversation.connect(("127.0.0.1", server.port)) as client:
            client.sendall(stream_of(1))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            read = finished(server)
        self.assertEqual((read.code, read.out), (1, [totals("received", 1, stream_of(1))]))
        self.assertEqual(complaints(read), ["slow-reader: recv: Connection reset by peer"])

    def test_signals_end_a_reader_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with reader() as server:
                ended = server.end(number)
                self.assertEqual((ended.code, ended.out, ended.err), (0, [], []))
            with reader("--record", self.folder / "reader.csv") as server:
                with conversation.connect(("127.0.0.1", server.port)) as client:
                    client.sendall(stream_of(1))
                    self.assertTrue(
                        wait_until(lambda: ("read", 64) in [e[1:] for e in self.events("reader")])
                    )
                    self.assertEqual(server.end(number).code, 0)
            text = (self.folder / "reader.csv").read_text()
            self.assertTrue(text.endswith("\n"), "the record ends inside a line")
            (self.folder / "reader.csv").unlink()

    def test_nobody_listens(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            ended = run(BIN / "fast-writer", "--port", port)
        self.assertEqual((ended.code, ended.out), (1, []))
        self.assertEqual(ended.err, [f"fast-writer: connect 127.0.0.1:{port}: Connection refused"])

    def test_bad_options(self):
        cases: dict[str, list[tuple[str, ...]]] = {
            "fast-writer": [
                ("--port", "0"),
                ("--port", "9000", "--wait", "never"),
                ("--size", "0"),
                ("--messages", "-1"),
                ("--sndbuf", "x"),
                ("--host", "x" * 64),
                ("--record",),
            ],
            "slow-reader": [
                ("--size", "0"),
                ("--sleep-us", "-1"),
                ("--rcvbuf", "0"),
                ("--port", "65536"),
                ("one",),
            ],
            "absorbed-bytes": [("--size", "0")],
            "bounded-queue": [("--what",)],
        }
        for program, all_words in cases.items():
            for words in all_words:
                with self.subTest(program=program, words=words):
                    ended = run(BIN / program, *words)
                    self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1))
                    self.assertTrue(ended.err[0].startswith(f"{program}: "), ended.err)


class Recording(WithRecords):
    def test_both_records_of_a_run(self):
        record = self.folder / "reader.csv"
        with reader("--rcvbuf", "4096", "--sleep-us", "0", "--record", record) as server:
            server.process.send_signal(signal.SIGSTOP)
            with self.writer(server, *SMALL, "--messages", "5000") as process:
                self.wait_until_blocked()
                server.process.send_signal(signal.SIGCONT)
                ended = process.end()
            self.assertEqual((ended.code, finished(server).code), (0, 0))
        for name in ("writer", "reader"):
            times = [time for time, _, _ in self.events(name)]
            self.assertEqual(times, sorted(times), "time went back")
        self.check_writer(int(re.match(r"blocked (\d+)", ended.out[1])[1]))
        self.check_reader()
        # One clock: the end of one file lies within the life of the other program.
        self.assertLess(self.events("writer")[0][0], self.events("reader")[-1][0])
        self.assertGreater(self.events("reader")[-1][0], self.time_of("finished", "writer"))

    def time_of(self, event, name):
        (found,) = (time for time, seen, _ in self.events(name) if seen == event)
        return found

    def values(self, event, name):
        return [value for _, seen, value in self.events(name) if seen == event]

    def check_writer(self, blocked):
        events = self.events()
        self.assertEqual(events[0][1:], ("connected", 64))
        self.assertEqual(events[-1][1:], ("closed", 320_000))
        self.assertEqual(self.values("finished", "writer"), [320_000])
        waits = [event for _, event, _ in events if event.startswith("blocked")]
        self.assertEqual(waits, ["blocked_begin", "blocked_end"] * blocked)
        accepted = self.values("accepted", "writer")
        self.assertEqual(accepted, sorted(accepted))
        self.assertEqual(accepted[-1], 320_000)
        for queued, unsent in zip(self.values("siocoutq", "writer"), self.values("siocoutqnsd", "writer")):
            self.assertLessEqual(unsent, 320_000)
            self.assertLessEqual(queued, 320_000)
        self.assertEqual(set(self.values("so_sndbuf", "writer")), {8192})
        self.assertGreater(max(self.values("siocoutq", "writer")), 0)

    def check_reader(self):
        events = self.events("reader")
        self.assertEqual(events[0][1:], ("connected", 64))
        self.assertEqual(self.values("end_of_stream", "reader"), [320_000])
        read = self.values("read", "reader")
        self.assertEqual((read, read[-1]), (sorted(read), 320_000))
        self.assertEqual(self.values("siocinq", "reader")[-1], 0)
        self.assertEqual(set(self.values("so_rcvbuf", "reader")), {8192})

    def test_the_queue_of_a_sender_that_has_ended(self):
        """The reader's record goes on where the writer's has ended: the kernel still holds the bytes."""
        record = self.folder / "reader.csv"
        with reader("--rcvbuf", "4096", "--sleep-us", "500", "--record", record) as server:
            server.process.send_signal(signal.SIGSTOP)
            with self.writer(server, "--sndbuf", "400000", "--messages", "1000") as process:
                self.assertEqual(process.end().code, 0)
            server.process.send_signal(signal.SIGCONT)
            self.assertEqual(finished(server).code, 0)
        if not self.values("peer_siocoutq", "reader"):
            self.skipTest("this kernel does not tell about the peer's socket (sock_diag)")
        self.assertGreater(max(self.values("peer_siocoutq", "reader")), 30_000)

    def check_unrecorded(self, where, reason, prefix=()):
        expected = stream_of(20_000)
        with reader("--sleep-us", "0", "--record", where, prefix=prefix) as server:
            ended = run(
                *prefix, BIN / "fast-writer", "--port", server.port, "--messages", "20000", "--record", where
            )
            read = finished(server)
        self.assertEqual((ended.code, read.code), (1, 1))
        self.assertEqual(ended.out[-1], totals("sent", 20_000, expected))
        self.assertEqual(read.out, [totals("received", 20_000, expected)])
        for name, one in (("fast-writer", ended), ("slow-reader", read)):
            self.assertEqual(len(complaints(one)), 1, complaints(one))
            self.assertRegex(complaints(one)[0], rf"^{name}: {reason}; going on without the record$")

    def test_a_full_disk(self):
        self.check_unrecorded("/dev/full", "write /dev/full: No space left on device")

    def test_a_file_that_can_not_be_made(self):
        self.check_unrecorded(
            "/no/such/folder/record", "open /no/such/folder/record: No such file or directory"
        )

    def test_a_file_that_may_not_grow(self):
        limited = ("bash", "-c", 'ulimit -f 0; exec "$@"', "bash")
        where = self.folder / "small"
        self.check_unrecorded(where, f"write {where}: File too large", limited)


class Display(unittest.TestCase):
    """What is shown while it runs: moving bars only on a terminal that can, and without NO_COLOR."""

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
            self.assertNotIn("░", shown)
            for line in shown.splitlines():
                self.assertRegex(
                    line, r"^fast-writer: \d+\.\d s: accepted by send [\d,]+, waited \d+ times; "
                )


if __name__ == "__main__":
    unittest.main()
