"""Lab 10's pair as its tests run it: what the writer sends, who started whom, and the records."""

import contextlib
import csv
import re
import tempfile
import unittest
import zlib
from pathlib import Path

from common.testing.processes import BIN, Family, Server, finish, start, wait_until

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
