"""What a course says of the runs that it couldn't trust."""

import tempfile
import unittest
from pathlib import Path

from common.course.invalid_runs import WHAT_HELPS, invalid_runs
from plots import synthetic


class InvalidRuns(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def write(self, experiment, *reasons):
        """A run a reason; an empty one is a valid run."""
        lines = [
            synthetic.run_cells(
                experiment,
                "epoll",
                8,
                number,
                **({"valid": "no", "invalid_reason": reason} if reason else {}),
            )
            for number, reason in enumerate(reasons, start=1)
        ]
        synthetic.write_experiment(self.results, experiment, lines)

    def test_nothing_is_said_when_all_are_valid_or_there_is_none(self):
        self.assertEqual(invalid_runs(self.results, ["one"]), [])
        self.write("one", "", "")
        self.assertEqual(invalid_runs(self.results, ["one"]), [])

    def test_they_are_counted_by_reason_and_by_experiment(self):
        starved = "the generator was starved: it waited for a core {} % of the time"
        self.write("one", "", starved.format(42), starved.format(17))
        self.write("two", "the hypervisor took 3 % of the time", "")
        told = invalid_runs(self.results, ["one", "two", "three"])
        self.assertLessEqual(max(map(len, told)), 78)
        self.assertEqual(
            " ".join(told),
            "3 of 5 runs are invalid, and hollow or hatched in the charts: "
            "the generator was starved (2), the hypervisor took too much time (1). "
            f"They are in one 2, two 1. {WHAT_HELPS}",
        )

    def test_what_cannot_be_read_is_left_out(self):
        self.write("one", "stolen")
        (self.results / "two").mkdir()
        (self.results / "two" / "runs.csv").write_text("nonsense\n")
        self.assertIn("1 of 1 runs", invalid_runs(self.results, ["one", "two"])[0])


if __name__ == "__main__":
    unittest.main()
