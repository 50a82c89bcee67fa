"""Latency against the offered rate: whose share of which capacity it is, and how it goes on after an interruption."""

import csv
import signal
import unittest

import pytest

from common.testing.processes import python_server, rows_of, stop_sweep
from common.testing.sweeps import COLUMNS, Sweep

pytestmark = pytest.mark.xdist_group("machine")  # measures
EXPERIMENT = "latency-vs-rate"
PERCENTS = {"10", "50", "90", "120"}  # of the quick profile
REQUESTS = 1100
LONGEST_SPAN_S = 30


class LatencyAgainstRate(Sweep):
    def rows(self):
        return rows_of(self.results / EXPERIMENT)

    def stop(self, *words, rows):
        """Ends a sweep once so many rows are kept, and returns those that are: one more if the run went on meanwhile, all of them
        if the sweep was quicker than who looks at it."""
        ended = stop_sweep(signal.SIGINT, self.results, EXPERIMENT, "epoll", *words, rows=rows)
        kept = self.rows()
        self.assertEqual(ended.left, [])
        self.assertTrue(kept, ended.err)
        if ended.code == 0:
            self.assertEqual(len(kept), len(PERCENTS), ended.err)
        else:
            self.assertEqual(ended.code, 130, ended.err)
            self.assertRegex(ended.err[-1], rf"interrupted: {len(kept)} of {len(PERCENTS)} runs are kept")
        return kept

    def test_every_share_of_the_capacity_is_a_point_and_resume_knows_them_apart(self):
        before = self.stop(rows=1)
        # That of 10 %, which takes longest, is the last of this seed's order. It isn't waited for.
        rows = self.stop("--resume", rows=len(before) + 1)
        self.assertEqual(rows[: len(before)], before)
        percents = [row["capacity_percent"] for row in rows]
        self.assertEqual(len(set(percents)), len(rows), "each of them once")
        self.assertLessEqual(set(percents), PERCENTS)
        for row in rows:
            self.assertEqual(list(row), COLUMNS)
            self.assertEqual((row["loop"], row["arrivals"], row["work_us"]), ("open", "poisson", "250"))
            self.assert_accounts_for_itself(row)

    def test_what_is_offered_and_not_achieved_waits_behind_the_span(self):
        """Within one run, below the capacity and beyond it, valid or not: how fast the machine was when the capacity was found says
        nothing of its speed now. That latencies grow beyond the capacity is asked where it is far away: test_open_loop.py.
        """
        for row in self.stop(rows=3):
            count = int(row["requests"]) + int(row["not_answered"])
            span_us = 1e6 * float(row["duration_s"])
            answered = [request["answered_us"] for request in self.requests(row)]
            waits = sum(not time or float(time) >= span_us for time in answered)
            # A request at the very end of the span is rounded over it.
            missing = 1 - float(row["achieved_per_s"]) / float(row["offered_per_s"])
            self.assertAlmostEqual(waits / count, missing, delta=2 / count)
            for name in ("p50", "p90", "p99"):
                if row[f"{name}_us"]:
                    self.assertGreaterEqual(float(row[f"{name}_us"]), float(row[f"uncorrected_{name}_us"]))

    def requests(self, row):
        with open(self.results / EXPERIMENT / row["samples_file"], newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def assert_accounts_for_itself(self, row):
        """The rate is that share of the capacity that the row states, and no request is missing."""
        offered, capacity = float(row["offered_per_s"]), float(row["capacity_per_s"])
        # The arrivals are random: their number is 1,100 give or take 33.
        asked = float(row["capacity_percent"])
        self.assertAlmostEqual(100 * offered / capacity, asked, delta=0.18 * asked)
        count = int(row["requests"]) + int(row["not_answered"])
        if float(row["duration_s"]) < LONGEST_SPAN_S:
            self.assertAlmostEqual(count, REQUESTS, delta=6 * 33)
        self.assertEqual(len(self.requests(row)), count)
        self.assertAlmostEqual(float(row["duration_s"]), count / offered, delta=count / offered / 1000)

    def test_a_foreign_server_has_no_capacity_that_can_be_chosen(self):
        words = python_server("asyncio_echo_server.py", "{port}")
        ended = self.sweep("--", *words, experiment=EXPERIMENT)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertIn("so it has no options --work-us", " ".join(map(str.strip, ended.err)))
        self.assertEqual(self.rows(), [])


if __name__ == "__main__":
    unittest.main()
