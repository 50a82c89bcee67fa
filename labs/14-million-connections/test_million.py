"""million: what it opens answers, what it shows on the way, and nothing is left behind."""

import contextlib
import ctypes
import os
import pty
import re
import resource
import signal
import socket
import unittest

import pytest

from common.testing.processes import Family, finish, run, start

from .running import LISTEN, MILLION, TIME_WAIT, Running, can_raise, descriptors, figures, only, sockets


pytestmark = pytest.mark.xdist_group("machine")  # measures, or goes to a limit of the machine


class Answers(unittest.TestCase):
    def assert_all_answer(self, ended, connections):
        lines, pairs = figures(ended)
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        self.assertEqual(
            pairs, {"opened": (connections, connections), "answered": (connections, connections)}
        )
        self.assertEqual(lines["stopped by"], "nothing")
        # The machine's, not the program's alone: what ends beside it may give more back than the connections take.
        self.assertRegex(lines["kernel memory"], r"^-?\d+ bytes of slab a connection")
        self.assertRegex(lines["user memory"], r"^\d+ bytes per connection")
        return int(re.match(r"\d+", lines["processes"])[0]), lines

    def test_few(self):
        for connections in (1, 2000):
            with self.subTest(connections):
                self.assert_all_answer(run(MILLION, "--connections", connections), connections)

    def test_more_than_one_process_may_hold(self):
        processes, lines = self.assert_all_answer(run(MILLION, "--connections", 30_000, **only(256)), 30_000)
        if can_raise(256):
            self.skipTest("the hard descriptor limit can be raised here: few processes are enough")
        self.assertGreater(processes, 30_000 * 2 // 256)
        self.assertIn("up to 256 descriptors each", lines["processes"])
        self.assertIn("the hard limit; raising it: ", lines["descriptors"])

    def test_the_soft_limit_is_raised(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        options = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))}
        processes, _ = self.assert_all_answer(run(MILLION, "--connections", 2000, **options), 2000)
        self.assertLessEqual(processes, max(os.cpu_count(), 1 + 4000 // (hard - 64)))

    def test_one_that_is_cut_or_answers_wrongly_is_counted(self):
        for harm in (lambda end: end.send(b"nonsense"), lambda end: end.shutdown(socket.SHUT_RDWR)):
            with self.subTest(), Running("--connections", "2500") as running:
                with self.server_end(running) as end:
                    harm(end)
                ended = running.go_on()
                self.assertEqual((ended.code, ended.left), (1, []), ended.err)
                self.assertEqual(figures(ended)[1], {"opened": (2500, 2500), "answered": (2499, 2500)})

    def server_end(self, running):
        """A second descriptor of one of the connections inside a process of its."""
        pidfd_getfd = 438
        child = running.children()[0]
        with contextlib.closing(os.fdopen(os.pidfd_open(child))) as process:
            for number in (
                number for number, text in descriptors(child).items() if text.startswith("socket:")
            ):
                copy = ctypes.CDLL(None).syscall(pidfd_getfd, process.fileno(), number, 0)
                if copy < 0:
                    self.skipTest("this machine forbids to reach into another process")
                end = socket.socket(fileno=copy)
                with contextlib.suppress(OSError):  # the listener has no peer
                    if end.getpeername()[0] == "127.0.0.1":
                        return end
                end.close()
        raise AssertionError("no connection found")


class Ends(unittest.TestCase):
    def test_nothing_is_left_in_time_wait(self):
        with Running("--connections", "2500") as running:
            places = set(running.listeners())
            ended = running.go_on()
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        self.assert_no_trace(places)

    def assert_no_trace(self, places):
        self.assertTrue(places)
        self.assertEqual([pair for pair in sockets(TIME_WAIT) if places & set(pair[:2])], [])
        self.assertEqual([place for place, _, _ in sockets(LISTEN) if place in places], [])

    def test_signals(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)):
            with self.subTest(number), Running("--connections", "100000") as running:
                self.assertGreater(len(running.children()), 0)
                places = set(running.listeners())
                for child in running.children():  # they can't end by themselves now
                    os.kill(child, signal.SIGSTOP)
                running.process.send_signal(number)
                running.process.send_signal(signal.SIGCONT)
                self.assertEqual(running.family.left(), [])
                ended = running.go_on()
                self.assertEqual((ended.code, ended.out), (code, []))
                self.assert_no_trace(places)

    def test_a_process_of_its_own_is_killed(self):
        with Running("--connections", "100000") as running:
            child = running.children()[0]
            os.kill(child, signal.SIGKILL)
            ended = running.go_on()
        self.assertEqual((ended.code, ended.out, ended.left), (1, [], []))
        self.assertEqual(ended.err[-1], f"million: process {child} was ended by signal 9")

    def test_bad_options(self):
        for words in (
            "--connections 0",
            "--connections many",
            "--connections -1",
            "--keep-free -1",
            "--no-such",
            "7",
        ):
            with self.subTest(words):
                ended = run(MILLION, *words.split())
                self.assertEqual((ended.code, ended.out, len(ended.err), ended.left), (2, [], 1, []))
                self.assertTrue(ended.err[0].startswith("million: "))


class Display(unittest.TestCase):
    def seen(self, **environment):
        """What goes to stderr when that is a terminal."""
        ours, theirs = pty.openpty()
        family = Family()
        family.environment.update(TERM="xterm", **environment)
        process = start([MILLION, "--connections", "5000"], family, stderr=theirs)
        os.close(theirs)
        text = b""
        with contextlib.suppress(OSError):  # Linux: EIO when the last of the other side has closed
            while more := os.read(ours, 65536):
                text += more
        os.close(ours)
        self.assertEqual(finish(process, family).code, 0)
        return text.decode()

    def test_a_bar_on_a_terminal_only(self):
        moving, plain = self.seen(), self.seen(NO_COLOR="1")
        self.assertIn("\x1b[K", moving)
        self.assertIn("█", moving)
        self.assertNotIn("million: ", moving)
        self.assertNotIn("\x1b", plain)
        self.assertRegex(plain, r"million: opened [0-9,]+ of 5,000, [0-9,]+ bytes of slab each")


if __name__ == "__main__":
    unittest.main()
