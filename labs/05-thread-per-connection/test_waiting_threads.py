"""waiting-threads: what it counts, where it stops and what it says stopped it. Small numbers: nothing here comes near a
limit of the machine."""

import functools
import os
import re
import secrets
import shutil
import socket
import subprocess
import unittest
from pathlib import Path

import pytest

from common.testing import conversation
from common.testing.processes import BIN, lab_server, run, wait_until

pytestmark = pytest.mark.xdist_group("machine")  # measures, or goes to a limit of the machine
PROGRAM = BIN / "waiting-threads"


def somebody():
    """The number of a user who has no process: what counts against a limit is then the program's own alone."""
    return 1_000_000 + secrets.randbelow(1_000_000_000)


def limited(limit, user=None):
    """The beginning of a command for a program with a limit, as prlimit writes it."""
    return [*(["setpriv", f"--reuid={user}"] if user else []), "prlimit", limit]


@functools.cache
def why_no_other_user():
    if os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("prlimit"):
        return "needs root, setpriv and prlimit: a program of another user, whose threads can be limited"
    tried = subprocess.run(
        ["setpriv", f"--reuid={somebody()}", PROGRAM, "--help"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else "another user can't run the programs here"


def steps(ended):
    """The rows of the first table: the number of threads, and for each of them virtual, resident, kernel stack, page
    tables, slab, together (KiB), microseconds."""
    return [
        tuple(map(float, line.split()))
        for line in ended.out
        if re.fullmatch(r" *\d+( +-?\d+\.\d){6} +\d+", line)
    ]


def limits(ended):
    """Name: in use, allowed, room for so many threads."""
    rows = (re.fullmatch(r"(\w\S*(?: -\w)?) +(\d+) +(\d+) +(-?\d+)  .*", line) for line in ended.out)
    return {row[1]: tuple(map(int, row.groups()[1:])) for row in rows if row}


class WaitingThreads(unittest.TestCase):
    def ends(self, *words, code=0):
        ended = run(*words)
        self.assertEqual((ended.code, ended.err, ended.left), (code, [], []), ended.text)
        return ended

    def test_it_makes_as_many_as_it_is_asked_for_in_steps_that_double(self):
        ended = self.ends(PROGRAM, "--threads", "3500", "--stack", "65536")
        self.assertEqual([row[0] for row in steps(ended)], [1000, 2000, 3500])
        self.assertEqual(ended.out[-1], "made all 3500 threads")

    def test_addresses_follow_the_stack_and_memory_does_not(self):
        small, large = (self.ends(PROGRAM, "--threads", 500, "--stack", kib * 1024) for kib in (256, 4096))
        ((_, small_virtual, small_resident, *_),), ((_, large_virtual, large_resident, *_),) = steps(
            small
        ), steps(large)
        self.assertGreaterEqual(small_virtual, 256)
        self.assertAlmostEqual(large_virtual - small_virtual, 4096 - 256, delta=40)
        self.assertLess(large_resident, 2 * small_resident)
        self.assertGreater(large_resident, 4)

    def test_a_stack_is_whole_pages(self):
        page = os.sysconf("SC_PAGE_SIZE") // 1024
        ended = self.ends(PROGRAM, "--threads", 1000, "--stack", 1024 * 1024 + 1)
        self.assertAlmostEqual(
            steps(ended)[0][1], 1024 + 2 * page, delta=page / 2
        )  # one of them is the guard page

    def test_it_counts_two_mappings_for_a_thread(self):
        few, many = (
            limits(self.ends(PROGRAM, "--threads", count))["vm.max_map_count"] for count in (100, 600)
        )
        self.assertAlmostEqual(many[0] - few[0], 1000, delta=20)
        self.assertEqual(many[2], (many[1] - many[0]) // 2)

    def test_the_limit_of_a_user_ends_it_and_is_named(self):
        if why_no_other_user():
            self.skipTest(why_no_other_user())
        ended = self.ends(*limited("--nproc=40", somebody()), PROGRAM)
        self.assertEqual(
            ended.out[-2:],
            [
                "stopped at 39 threads: pthread_create: Resource temporarily unavailable",
                "the limit reached: ulimit -u",
            ],
        )
        given_back = 3
        self.assertIn(f"{given_back} threads given back, so that other programs can start", ended.out)
        self.assertEqual(limits(ended)["ulimit -u"], (40 - given_back, 40, given_back))

    def test_not_a_single_thread(self):
        if why_no_other_user():
            self.skipTest(why_no_other_user())
        ended = self.ends(*limited("--nproc=1", somebody()), PROGRAM)
        self.assertEqual(steps(ended), [])
        self.assertEqual(
            ended.out[-2:],
            [
                "stopped at 0 threads: pthread_create: Resource temporarily unavailable",
                "the limit reached: ulimit -u",
            ],
        )

    def test_the_limit_of_addresses_ends_it_and_is_named(self):
        if not shutil.which("prlimit"):
            self.skipTest("prlimit is not installed")
        ended = self.ends(*limited(f"--as={300 << 20}"), PROGRAM, "--stack", 8 << 20)
        ((threads, *_),) = steps(ended)
        self.assertIn(threads, range(20, 300 // 8 + 1))
        self.assertEqual(ended.out[-1], "the limit reached: ulimit -v")

    def test_root_is_not_told_of_a_limit_that_does_not_bind_it(self):
        if os.geteuid() != 0 or not shutil.which("prlimit"):
            self.skipTest("needs root and prlimit")
        ended = self.ends(*limited("--nproc=2"), PROGRAM, "--threads", 50)
        self.assertEqual(ended.out[-1], "made all 50 threads")
        self.assertNotIn("ulimit -u", limits(ended))

    def test_bad_sizes_are_one_line(self):
        for program in ("waiting-threads", "thread-per-connection"):
            for size in ("1", "1073741825", "many"):
                with self.subTest(program, size=size):
                    ended = run(BIN / program, "--stack", size)
                    self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1))
                    self.assertRegex(
                        ended.err[0], rf"^{program}: --stack takes a whole number from \d+ to 1073741824"
                    )


class ServerStack(unittest.TestCase):
    CLIENTS = 20

    def growth(self, *options):
        """By how many KiB each client makes the server's addresses grow."""
        with lab_server("thread-per-connection", "--port", "0", *options) as server:
            before = self.status(server, "VmSize")
            clients = [self.connect(server) for _ in range(self.CLIENTS)]
            self.assertTrue(wait_until(lambda: self.status(server, "Threads") == 1 + self.CLIENTS))
            after = self.status(server, "VmSize")
            for client in clients:
                client.close()
        return (after - before) / self.CLIENTS

    @staticmethod
    def status(server, key):
        text = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
        return int(re.search(rf"^{key}:\s+(\d+)", text, re.MULTILINE)[1])

    def connect(self, server):
        client = conversation.connect((server.host, server.port), 5)
        client.sendall(b"hello")
        self.assertEqual(client.recv(5, socket.MSG_WAITALL), b"hello")
        return client

    def test_it_shows_in_the_virtual_size(self):
        small, large = self.growth("--stack", str(1 << 20)), self.growth("--stack", str(16 << 20))
        self.assertAlmostEqual(large / small, 16, delta=1)


if __name__ == "__main__":
    unittest.main()
