"""Latency against the offered rate: whose share of which capacity it is, and how it goes on after an interruption."""

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

    def test_every_share_of_the_capacity_is_a_point_and_resume_knows_them_apart(self):
        ended = stop_sweep(signal.SIGINT, self.results, EXPERIMENT, "epoll", rows=1)
        self.assertEqual((ended.code, ended.left), (130, []), ended.err)
        before = self.rows()
        self.assertLess(len(before), len(PERCENTS))
        resumed = self.sweep("epoll", "--resume", experiment=EXPERIMENT)
        self.assertEqual((resumed.code, resumed.left), (0, []), resumed.err)
        rows = self.rows()
        self.assertEqual(rows[: len(before)], before)
        self.assertEqual(
            sorted(row["capacity_percent"] for row in rows), sorted(PERCENTS), "each of them once"
        )
        for row in rows:
            self.assertEqual(list(row), COLUMNS)
            self.assertEqual((row["loop"], row["arrivals"], row["work_us"]), ("open", "poisson", "250"))
            self.assert_accounts_for_itself(row)
        self.assert_beyond_capacity_it_queues({row["capacity_percent"]: row for row in rows})

    def assert_accounts_for_itself(self, row):
        """The rate is that share of the capacity that the row states, and no request is missing."""
        offered, capacity = float(row["offered_per_s"]), float(row["capacity_per_s"])
        # The arrivals are random: their number is 1,100 give or take 33.
        asked = float(row["capacity_percent"])
        self.assertAlmostEqual(100 * offered / capacity, asked, delta=0.18 * asked)
        count = int(row["requests"]) + int(row["not_answered"])
        if float(row["duration_s"]) < LONGEST_SPAN_S:
            self.assertAlmostEqual(count, REQUESTS, delta=6 * 33)
        lines = (self.results / EXPERIMENT / row["samples_file"]).read_text(encoding="utf-8").splitlines()
        self.assertEqual(len(lines) - 1, count)
        self.assertAlmostEqual(float(row["duration_s"]), count / offered, delta=count / offered / 1000)

    def assert_beyond_capacity_it_queues(self, rows):
        """A sixth of what is offered at 120 % can't be answered within the span; at 10 % hardly anything waits. On a machine
        whose speed has changed since the capacity was found this isn't so: it is asked of valid runs."""
        if {rows["10"]["valid"], rows["120"]["valid"]} != {"yes"}:
            return
        answered = {
            percent: float(row["achieved_per_s"]) / float(row["offered_per_s"])
            for percent, row in rows.items()
        }
        self.assertGreater(answered["10"], 0.98)
        self.assertLess(answered["120"], answered["10"])
        self.assertGreater(float(rows["120"]["p50_us"]), float(rows["10"]["p50_us"]))

    def test_a_foreign_server_has_no_capacity_that_can_be_chosen(self):
        words = python_server("asyncio_echo_server.py", "{port}")
        ended = self.sweep("--", *words, experiment=EXPERIMENT)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertIn("no options --work-us", ended.err[0])
        self.assertEqual(self.rows(), [])


if __name__ == "__main__":
    unittest.main()
