"""Two folders of results as ratios: the intervals, what is compared, and what is said not to be."""

import contextlib
import csv
import io
import json
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

from plots import synthetic
from plots.diff import Ratio, main
from plots.order_statistics import Interval

EXPERIMENT = "latency-vs-connections"


class Ratios(unittest.TestCase):
    def test_a_ratio_differs_if_the_intervals_are_apart_and_have_values_enough(self):
        first = Interval(1, 2, 3, 6, 0.95)
        self.assertTrue(Ratio(first, Interval(3.1, 4, 5, 6, 0.95)).differs())
        self.assertTrue(Ratio(Interval(3.1, 4, 5, 6, 0.95), first).differs())
        self.assertFalse(Ratio(first, Interval(2.9, 4, 5, 6, 0.95)).differs())
        self.assertFalse(Ratio(first, Interval(3.1, 4, 5, 5, 0.95)).differs())
        self.assertEqual(Ratio(first, Interval(4, 5, 8, 6, 0.95)).text(), "   2.50   1.33 – 8.00 * 6, 6")


class Diff(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.first, self.second = (Path(temporary.name) / name for name in ("first", "second"))
        self.empty = Path(temporary.name) / "empty"
        self.empty.mkdir()

    def write(self, folder: Path, factor: float = 1, repetitions: int = 6, **others) -> Path:
        """Results of two servers at two points, every repetition a little slower than the one before."""
        return synthetic.write_experiment(
            folder,
            EXPERIMENT,
            [
                synthetic.run_cells(
                    EXPERIMENT,
                    server,
                    connections,
                    repetition,
                    requests=5000,
                    p50_us=factor * (100 + repetition),
                    p99_us=factor * (200 + repetition),
                    **others,
                )
                for server in ("epoll", "poll")
                for connections in (10, 1000)
                for repetition in range(1, repetitions + 1)
            ],
        )

    def rewrite(self, folder: Path, change: Callable[[dict], bool]) -> None:
        """Changes each row of runs.csv; those for which `change` is false are dropped."""
        file = folder / "runs.csv"
        with open(file, newline="", encoding="utf-8") as opened:
            rows = [row for row in csv.DictReader(opened) if change(row)]
        with open(file, "w", newline="", encoding="utf-8") as opened:
            table = csv.DictWriter(opened, rows[0].keys())
            table.writeheader()
            table.writerows(rows)

    def diff(self, *folders: Path) -> tuple[int, list[str]]:
        """Exit code and what was said; a bad end says one line on stderr."""
        said, complained = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            code = main([str(folder) for folder in folders or (self.first, self.second)])
        if code == 2:
            self.assertEqual(said.getvalue(), "")
            self.assertEqual(len(complained.getvalue().splitlines()), 1, complained.getvalue())
            return code, complained.getvalue().splitlines()
        self.assertEqual(complained.getvalue(), "")
        lines = said.getvalue().splitlines()
        self.assertLessEqual(max(map(len, lines)), 78, max(lines, key=len))
        return code, lines

    def test_each_point_that_both_have_is_a_ratio_second_over_first(self):
        self.write(self.first)
        self.write(self.second, 2)
        code, lines = self.diff()
        self.assertEqual((code, lines[0]), (0, EXPERIMENT))
        rows = [line.split() for line in lines[2:10]]
        self.assertEqual([row[:3] for row in rows[::2]][1], ["epoll", "1000", "p50"])
        # Repetitions of 101 to 106, and twice that: 202 / 106 and 212 / 101.
        self.assertEqual(rows[0], "epoll 10 p50 2.00 1.91 – 2.10 * 6, 6".split())
        self.assertEqual(rows[1][:2], ["p99", "2.00"])
        self.assertEqual([row[0] for row in rows[::2]], ["epoll", "epoll", "poll", "poll"])
        self.assertTrue(lines[-1].startswith("*: "), lines[-1])

    def test_what_is_the_same_is_not_marked_nor_is_what_has_few_repetitions(self):
        self.write(self.first)
        self.write(self.second)
        self.assertEqual([line for line in self.diff()[1] if " * " in line], [])
        self.write(self.second, 2, repetitions=5)
        self.assertEqual([line for line in self.diff()[1] if " * " in line], [])

    def test_invalid_runs_do_not_count_and_points_without_a_valid_one_are_said(self):
        self.write(self.first)
        self.write(self.second)

        def spoil(row):
            if row["server"] == "poll" or row["repetition"] == "6":
                row.update(valid="no", invalid_reason="the generator was starved", p50_us="9999")
            return True

        self.rewrite(self.second / EXPERIMENT, spoil)
        code, lines = self.diff()
        self.assertEqual(code, 0)
        self.assertEqual(lines[2].split()[-2:], ["6,", "5"])
        self.assertIn("  no valid run in the second: poll at 10, 1000", lines)
        self.assertEqual([line for line in lines if line.startswith("  poll")], [])

    def test_points_that_only_one_has_are_said(self):
        self.write(self.first)
        self.write(self.second)
        self.rewrite(
            self.second / EXPERIMENT, lambda row: (row["server"], row["connections"]) != ("poll", "10")
        )
        self.assertIn("  only in the first: poll at 10", self.diff()[1])
        self.assertIn("  only in the second: poll at 10", self.diff(self.second, self.first)[1])

    def test_another_cost_is_another_point(self):
        self.write(self.first)
        self.write(self.second, work_us=50)
        code, lines = self.diff()
        self.assertEqual(code, 1)
        self.assertIn("  nothing that both have measured", lines)
        self.assertIn("  only in the second: epoll, 50 µs work at 10, 1000; poll, 50 µs work at 10,", lines)

    def test_a_long_name_has_a_line_of_its_own(self):
        for folder in (self.first, self.second):
            self.write(folder, wait_us=100, work_us=20, all_cores="yes")
        lines = self.diff()[1]
        self.assertEqual(lines[2], "  epoll, 20 µs work, 100 µs wait, all cores")
        self.assertEqual(lines[3].split()[:3], ["10", "p50", "1.00"])
        self.assertEqual(lines[3].index("p50"), lines[4].index("p99"))

    def test_another_profile_is_not_compared(self):
        self.write(self.first)
        environment = self.write(self.second) / "environment.json"
        environment.write_text(json.dumps({**synthetic.ENVIRONMENT, "profile": "full"}))
        code, lines = self.diff()
        self.assertEqual((code, lines), (1, [EXPERIMENT, "  not compared: profile quick and full"]))

    def test_another_machine_or_commit_is_said_once(self):
        for experiment in (EXPERIMENT, "throughput-vs-connections"):
            for folder in (self.first, self.second):
                synthetic.write_experiment(
                    folder, experiment, [synthetic.run_cells(experiment, "epoll", 10, 1, requests_per_s=5)]
                )
            (self.second / experiment / "environment.json").write_text(
                json.dumps({**synthetic.ENVIRONMENT, "commit": "fedcba", "cores": 8})
            )
        lines = self.diff()[1]
        self.assertEqual(
            lines[:2],
            [
                "cores: 2 in the first, 8 in the second",
                "commit: 0123456789abcdef0123 in the first, fedcba in the second",
            ],
        )
        self.assertEqual(len([line for line in lines if line.startswith("commit")]), 1)

    def test_another_version_is_said_or_if_it_cannot_be_read_refused(self):
        self.write(self.first)
        file = self.write(self.second) / "runs.csv"
        text = file.read_text()
        file.write_text(text.replace("speaking", "listening", 1))
        code, lines = self.diff()
        self.assertEqual(code, 0)
        self.assertIn("  another version: only the first has the columns speaking", lines)
        self.assertIn("  another version: only the second has the columns listening", lines)
        file.write_text(text.replace("p50_us", "median_us", 1))
        code, lines = self.diff()
        self.assertEqual(code, 2)
        self.assertIn(f"{file}: line 1: column 'p50_us' is missing", lines[0])

    def test_a_p99_needs_requests_enough(self):
        self.write(self.first)
        self.write(self.second)
        self.rewrite(self.second / EXPERIMENT, lambda row: bool(row.update(requests="499")) or True)
        self.assertEqual([line for line in self.diff()[1] if "p99" in line], [])

    def test_repetitions_at_a_share_of_the_capacity_are_one_point_whatever_rate_it_came_to(self):
        for folder in (self.first, self.second):
            synthetic.write_latency_vs_rate(folder)
        code, lines = self.diff()
        self.assertEqual(code, 0)
        epoll = [line.split()[1:6] for line in lines if line.startswith("  epoll, ")]
        self.assertEqual(epoll, [[str(percent), "%", "20", "p50", "1.00"] for percent in synthetic.PERCENTS])

    def test_folders_without_results(self):
        self.write(self.first)
        for folder, phrase in (
            (self.empty, "has no results"),
            (self.empty / "missing", "is no folder"),
            (self.first / EXPERIMENT / "runs.csv", "is no folder"),
        ):
            for folders in ((self.first, folder), (folder, self.first)):
                code, lines = self.diff(*folders)
                self.assertEqual(code, 2)
                self.assertIn(f"{folder}: {phrase}", lines[0])

    def test_a_single_experiment_and_what_it_had_before(self):
        """The records of the sweep before lie beside those of the last, and are left out unless they are named."""
        folder = self.write(self.first, 2)
        previous = folder.with_suffix(".previous")
        folder.rename(previous)
        self.write(self.first)
        code, lines = self.diff(previous, folder)
        self.assertEqual((code, lines[2].split()[3]), (0, "0.50"))
        self.write(self.second)
        code, lines = self.diff(self.first, self.second)
        self.assertEqual((code, lines[2].split()[3:4], lines[2].split()[-2:]), (0, ["1.00"], ["6,", "6"]))


if __name__ == "__main__":
    unittest.main()
