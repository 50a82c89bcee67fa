"""The stalled server: the same halt is in the corrected figures of an open loop, and in no others."""

import csv
import unittest

import pytest

from common.testing.processes import rows_of
from common.testing.sweeps import COLUMNS, OPEN_LOOP_COLUMNS, Sweep

pytestmark = pytest.mark.xdist_group("machine")  # measures
EXPERIMENT = "stalled-server"
HALT_US = 200_000


class StalledServer(Sweep):
    def requests(self, row):
        """The requests of a run: intended, sent, answered; none where it never was."""
        with open(self.results / EXPERIMENT / row["samples_file"], newline="", encoding="utf-8") as file:
            return [
                tuple(float(cell) if cell else None for cell in line.values())
                for line in csv.DictReader(file)
            ]

    def test_only_who_counts_from_the_intended_send_sees_the_halt(self):
        ended = self.sweep(experiment=EXPERIMENT)
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        rows = {row["loop"]: row for row in rows_of(self.results / EXPERIMENT)}
        self.assertEqual(
            {loop: row["server"] for loop, row in rows.items()},
            {"closed": "closed-loop", "open": "open-loop"},
        )
        for row in rows.values():
            self.assertEqual(list(row), COLUMNS)
            self.assertGreater(float(row["max_us"]), HALT_US / 2, "it was halted")
        self.assertEqual({rows["closed"][column] for column in OPEN_LOOP_COLUMNS}, {""})
        corrected = float(rows["open"]["p99_us"])
        self.assertGreater(corrected, HALT_US / 2)
        self.assertLess(float(rows["open"]["uncorrected_p99_us"]), corrected / 2)
        self.assertLess(float(rows["closed"]["p99_us"]), corrected / 2)
        self.assertEqual(int(rows["open"]["requests"]) + int(rows["open"]["not_answered"]), 1500)

        asked = self.requests(rows["open"])
        self.assertEqual([intended for intended, _, _ in asked], [1000.0 * number for number in range(1500)])
        closed = self.requests(rows["closed"])
        self.assertEqual(len(closed), int(rows["closed"]["requests"]))
        self.assertEqual({intended for intended, _, _ in closed}, {None})
        # While it stood still nobody asked. Each of the four connections may have sent when it began, and once more with the
        # replies that the server was about to send then, or when it went on before the slowest had its own.
        start, end = max(
            ((sent, answered) for _, sent, answered in closed), key=lambda span: span[1] - span[0]
        )
        self.assertLessEqual(sum(start <= sent < end for _, sent, _ in closed), 3 * 4)

        resumed = self.sweep("--resume", experiment=EXPERIMENT)
        self.assertEqual(resumed.code, 0, resumed.err)
        self.assertEqual({row["loop"]: row for row in rows_of(self.results / EXPERIMENT)}, rows)
        self.assertEqual(resumed.out, [f"2 runs recorded in {self.results / EXPERIMENT}"])


if __name__ == "__main__":
    unittest.main()
