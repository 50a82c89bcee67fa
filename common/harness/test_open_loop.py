"""`harness load --rate`: what is offered is accounted for to the last request, and a run that wasn't is invalid."""

import csv
import math
import os
import re
import signal
import tempfile
import unittest
from pathlib import Path

import pytest

from common.testing.processes import BIN, Family, finish, harness, rows_of, start, wait_until
from common.testing.sweeps import COLUMNS, OPEN_LOOP_COLUMNS

pytestmark = pytest.mark.xdist_group("machine")  # measures
# Some reasons for an invalid run are the machine's alone, and come before all others.
OF_THE_MACHINE = re.compile("the hypervisor took|share the only core|suspended|clock ran off|the run took")
TIMEOUT_US = 4_000_000
# How many requests each takes.
PERCENTILES = (("p50", 50, 10), ("p90", 90, 50), ("p99", 99, 500), ("p999", 99.9, 5000))


def nearest_rank(numbers, percent):
    """The smallest of the sorted numbers that so many per cent of them don't exceed."""
    return numbers[max(1, math.ceil(round(percent / 100 * len(numbers), 6))) - 1]


class OpenLoop(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def load(self, *words):
        """The run's words, its row and its requests: intended, sent, answered; none where it never was."""
        ended = harness("load", "--warm-up", "0.05", "--tries", "1", "--results", self.results, *words)
        self.assertEqual((ended.err, ended.left), ([], []))
        (row,) = rows_of(self.results / "load")
        self.assertEqual(list(row), COLUMNS)
        return ended, row, self.requests(row)

    def requests(self, row):
        with open(self.results / "load" / row["samples_file"], newline="", encoding="utf-8") as file:
            return [
                tuple(float(cell) if cell else None for cell in line.values())
                for line in csv.DictReader(file)
            ]

    def assert_agrees(self, row, requests):
        """The row says what its requests say, the unanswered ones at the bound."""
        answered = [request for request in requests if request[2] is not None]
        self.assertEqual(int(row["requests"]), len(answered))
        self.assertEqual(int(row["not_answered"]), len(requests) - len(answered))
        self.assertEqual(float(row["offered_per_s"]), len(requests) / float(row["duration_s"]))
        self.assertEqual([request[0] for request in requests], sorted(request[0] for request in requests))
        bound = max([TIMEOUT_US, *(request[2] for request in answered)])
        for prefix, begin in (("", 0), ("uncorrected_", 1)):
            latencies = sorted(
                bound if request[2] is None else request[2] - request[begin] for request in requests
            )
            for name, percent, needed in PERCENTILES:
                if len(requests) < needed:
                    self.assertEqual(row[f"{prefix}{name}_us"], "", "too few requests for it")
                    continue
                said = float(row[f"{prefix}{name}_us"])
                exact = nearest_rank(latencies, percent)
                self.assertAlmostEqual(said, exact, delta=exact / 1e5 + 0.2, msg=f"{prefix}{name}")
                if not prefix:
                    self.assertGreaterEqual(said, float(row[f"uncorrected_{name}_us"]))

    def test_every_offered_request_is_accounted_for(self):
        for arrivals in ("fixed", "poisson"):
            words = ("--connections", "5", "--rate", "400", "--duration", "0.5", "--arrivals", arrivals)
            ended, row, requests = self.load("epoll", *words)
            self.assertEqual(ended.code, 0)
            self.assertEqual((row["loop"], row["arrivals"], row["speaking"]), ("open", arrivals, "5"))
            self.assert_agrees(row, requests)
            if arrivals == "fixed":
                self.assertEqual([request[0] for request in requests], [2500.0 * n for n in range(200)])
            said = "\n".join(ended.out)
            self.assertIn("from the intended send (corrected)", said)
            self.assertIn("from the real send (uncorrected)", said)
            self.assertIn(f"({arrivals}), achieved", said)
            self.assertLessEqual(max(map(len, ended.out[:-1])), 80)  # the last line names a folder

    def test_a_percentile_that_too_few_requests_stand_behind_is_neither_printed_nor_recorded(self):
        words = ("--connections", "5", "--rate")
        for rate, told, missing in (
            ("16", ["p50"], "too few requests for p90 (50), p99 (500), p99.9 (5000)"),
            ("1000", ["p50", "p90", "p99"], "too few requests for p99.9 (5000)"),
            ("12000", ["p50", "p90", "p99", "p99.9"], None),
        ):
            ended, row, requests = self.load("epoll", *words, rate, "--duration", "0.5" if told[1:] else "1")
            self.assert_agrees(row, requests)
            lines = [line for line in ended.out if line.startswith("             p50 ")]
            self.assertEqual([line.split()[:-1:2] for line in lines], [told, told])
            said = [line.strip() for line in ended.out if "too few" in line]
            self.assertEqual(said, [missing] if missing else [])
            self.assertEqual(row["lateness_p99_us"] == "", len(requests) < 500)
        # A closed loop too: some 20 requests of 10 ms each.
        command = ("--", BIN / "epoll", "--port", "0", "--wait-us", "10000")
        ended = harness(
            *("load", "--connections", "1", "--duration", "0.25", "--tries", "1", "--results", self.results),
            *command,
        )
        (row,) = rows_of(self.results / "load")
        self.assertEqual({row[f"{name}_us"] for name in ("p90", "p99", "p999")}, {""})
        self.assertNotEqual(row["max_us"], "")
        self.assertIn("p90 (50), p99 (500), p99.9 (5000)", "\n".join(ended.out))

    def test_a_closed_loop_has_none_of_these_columns(self):
        ended = harness("load", "epoll", "--duration", "0.05", "--tries", "1", "--results", self.results)
        self.assertEqual(ended.code, 0, ended.err)
        (row,) = rows_of(self.results / "load")
        self.assertEqual(row["loop"], "closed")
        self.assertEqual({row[column] for column in OPEN_LOOP_COLUMNS}, {""})

    def test_beyond_capacity_the_latencies_grow(self):
        """1 ms of work a request: 1000 a second at most, of 2000 offered. All of them are answered in the end: a fifth of a second
        of work in four, on a busy machine too."""
        words = ("--connections", "4", "--rate", "2000", "--duration", "0.1")
        ended, row, requests = self.load(*words, "--", BIN / "epoll", "--port", "0", "--work-us", "1000")
        self.assertEqual((ended.code, len(requests), row["not_answered"]), (0, 200, "0"))
        self.assert_agrees(row, requests)
        self.assertLess(float(row["achieved_per_s"]), 1100)
        self.assertGreater(float(row["p50_us"]), 35_000)
        self.assertGreater(float(row["p50_us"]), 4 * float(row["uncorrected_p50_us"]))

    def test_far_beyond_capacity_they_are_not_answered_and_nothing_grows_without_limit(self):
        """20 ms of work a request, 50 a second at most: of 2000 offered, some 200 within the 4 s of patience. With 100 ms a busy
        machine has taken longer for one than a client waits."""
        words = ("--connections", "2", "--rate", "4000", "--duration", "0.5")
        ended, row, requests = self.load(*words, "--", BIN / "epoll", "--port", "0", "--work-us", "20000")
        self.assertEqual((ended.code, len(requests)), (0, 2000), "no client was lost: they live, and wait")
        self.assert_agrees(row, requests)
        self.assertGreater(int(row["not_answered"]), 1700)
        self.assertGreater(sum(request[1] is None for request in requests), 1700, "never sent")
        self.assertGreaterEqual(float(row["p50_us"]), TIMEOUT_US)
        self.assertIn(f"{row['not_answered']} not answered", "\n".join(ended.out))

    def test_a_generator_that_is_stopped_was_late_and_its_run_is_invalid(self):
        """The generator itself is halted in the middle: the server had a connection free for each request."""
        family = Family()
        words = "load epoll --connections 20 --rate 500 --duration 3 --warm-up 0 --tries 1 --results".split()
        process = start([BIN / "harness", *words, self.results], family)
        self.assertTrue(wait_until(lambda: "epoll" in family.programs()), "no server was started")
        # Its own CPU time shows that it is speaking: before, it has used some ten milliseconds.
        self.assertTrue(wait_until(lambda: self.cpu_seconds(process.pid) > 0.1), "it never spoke")
        os.kill(process.pid, signal.SIGSTOP)
        began = self.cpu_when_halted(process.pid)
        wait_until(lambda: False, 0.4)
        self.assertEqual(self.cpu_when_halted(process.pid), began, "it was halted")
        os.kill(process.pid, signal.SIGCONT)
        ended = finish(process, family, 60)
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        (row,) = rows_of(self.results / "load")
        self.assertEqual(row["valid"], "no")
        if not OF_THE_MACHINE.search(row["invalid_reason"]):
            self.assertRegex(row["invalid_reason"], "the generator was (late|starved)")
        self.assertGreater(float(row["lateness_p99_us"]), 100_000)  # 200 of 1500 requests
        self.assert_agrees(row, self.requests(row))

    @staticmethod
    def fields(pid):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()

    def cpu_seconds(self, pid):
        return sum(map(int, self.fields(pid)[11:13])) / os.sysconf("SC_CLK_TCK")

    def cpu_when_halted(self, pid):
        wait_until(lambda: self.fields(pid)[0] == "T")
        return self.cpu_seconds(pid)


if __name__ == "__main__":
    unittest.main()
