"""Lab 10's pair: what is reported when the other end, or oneself, is ended, and when it was never right."""

import re
import signal
import socket
import struct
import unittest

from common.testing import conversation
from common.testing.processes import BIN, run, wait_until

from .transfers import SMALL, WAYS, WithRecords, complaints, finished, reader, stream_of, totals


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


if __name__ == "__main__":
    unittest.main()
