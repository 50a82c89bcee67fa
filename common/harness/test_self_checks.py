"""What the harness checks of its own runs, forced from outside: others on the server's core, a wrong byte in a million, a
server that is behind."""

import contextlib
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import pytest

from common.testing.processes import BIN, harness, rows_of

pytestmark = pytest.mark.xdist_group("machine")  # measures
# Some reasons for an invalid run are looked at first.
LOOKED_AT_FIRST = "the hypervisor took|share the only core|was starved"
BUSY_LOOP = "while True: pass"
# One connection at a time in its own thread; of all bytes that come in, one bit of the millionth is turned over.
ALMOST_AN_ECHO = """
import socket, sys, threading

lock, seen = threading.Lock(), 0

def echo(client):
    global seen
    while data := bytearray(client.recv(65536)):
        with lock:
            place = 1_000_000 - seen
            seen += len(data)
        if 0 <= place < len(data):
            data[place] ^= 1
        client.sendall(data)

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()
"""


@contextlib.contextmanager
def busy_loops(core, count):
    """Others that want this core for themselves."""
    loops = [
        subprocess.Popen(
            [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{core}}})\n{BUSY_LOOP}"]
        )
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


class SelfChecks(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def load(self, *words):
        ended = harness("load", "--warm-up", "0.05", "--tries", "1", "--results", self.results, *words)
        (row,) = rows_of(self.results / "load")
        return ended, row

    def test_others_on_the_servers_core_are_seen(self):
        servers_core = min(os.sched_getaffinity(0))
        with busy_loops(servers_core, 2):
            ended, row = self.load("epoll", "--connections", "20", "--duration", "1")
        self.assertEqual(ended.code, 0, ended.err)
        # Two of three that want it.
        self.assertGreater(float(row["foreign_share"]), 0.4)
        self.assertLess(float(row["foreign_share"]), 1.1)
        self.assertEqual(row["valid"], "no")
        self.assertRegex(row["invalid_reason"], f"other processes took .* server's core|{LOOKED_AT_FIRST}")

    @unittest.skipIf(
        len(os.sched_getaffinity(0)) < 2, "on one core every run is invalid, and none is made again"
    )
    def test_a_sweep_makes_disturbed_runs_again_within_a_share_of_its_time(self):
        words = ("--connections", "20", "--repetitions", "12", "--results", self.results, "epoll")
        with busy_loops(min(os.sched_getaffinity(0)), 2):
            ended = harness("sweep", "latency-vs-connections", *words)
        self.assertEqual(ended.code, 0, ended.err)
        rows = rows_of(self.results / "latency-vs-connections")
        self.assertEqual([row["valid"] for row in rows], ["no"] * 12)
        (said,) = [line for line in ended.err if "runs made again because the machine had other work" in line]
        # A fifth of twelve alike; runs beside busy loops aren't.
        self.assertRegex(said, r": [1-6], in [0-9.]+ s$")

    def test_the_servers_own_processes_and_threads_are_no_others(self):
        """A server of many processes, and one of many threads, that use their core to the full."""
        for server in ("process-per-connection", "thread-per-connection"):
            ended, row = self.load(server, "--connections", "20", "--duration", "1")
            self.assertEqual(ended.code, 0, ended.err)
            taken = float(row["foreign_share"]) + float(row["server_cpu_share"])
            self.assertLess(taken, 1.1, "it isn't counted twice")

    def test_one_wrong_byte_in_a_million(self):
        """A server that is right but for a bit of its millionth byte, in the midst of 3 million and more."""
        script = self.results / "almost-an-echo.py"
        script.write_text(ALMOST_AN_ECHO, encoding="utf-8")
        words = (sys.executable, script, "{port}")
        ended, row = self.load(
            "--connections", "4", "--message-bytes", "65536", "--duration", "1", "--", *words
        )
        self.assertEqual((ended.code, row["valid"], row["corrupt"]), (1, "no", "1"), ended.out)
        self.assertRegex(row["invalid_reason"], "^1 of 4 clients were lost or got wrong bytes: corrupt 1$")

    def test_a_server_that_is_behind_is_told_from_one_that_keeps_up(self):
        command = ("--", BIN / "epoll", "--port", "0", "--work-us", "2000")
        ended, row = self.load("--connections", "4", "--rate", "2000", "--duration", "0.5", *command)
        self.assertEqual(ended.code, 0, ended.err)
        behind = 1 - float(row["achieved_per_s"]) / float(row["offered_per_s"])
        self.assertGreater(behind, 0.5)
        self.assertIn(f"behind: {behind * 100:.0f} % had no reply when the span ended", "\n".join(ended.out))


if __name__ == "__main__":
    unittest.main()
