"""The command `python3 -m plots`: which files it writes, and what it says when it can't."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from matplotlib.figure import Figure

from plots import synthetic
from plots.__main__ import CHARTS, main


class Command(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name) / "results"
        self.results.mkdir()
        self.charts = self.results / "charts"

    def plots(self, *options: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of the command on the results."""
        said, complained = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            code = main(["--results", str(self.results), *options])
        return code, said.getvalue(), complained.getvalue()

    def test_draws_every_chart_twice_the_same(self):
        synthetic.write_all(self.results)
        code, said, complained = self.plots()
        self.assertEqual((code, complained), (0, ""))
        self.assertEqual(len(said.splitlines()), len(CHARTS))
        files = {path.name for path in self.charts.iterdir()}
        self.assertEqual(files, {f"{chart.CHART}.{kind}" for chart in CHARTS for kind in ("svg", "png")})
        for path in self.charts.iterdir():
            self.assertGreater(path.stat().st_size, 10_000)
            self.assertIn(str(path), said)

        again = self.results / "again"
        self.plots("--output", str(again))
        for chart in CHARTS:
            drawn = (self.charts / f"{chart.CHART}.svg").read_bytes()
            self.assertEqual(drawn, (again / f"{chart.CHART}.svg").read_bytes())
            self.assertNotIn(b"<dc:date>", drawn)

    def test_missing_experiment_is_said_and_skipped(self):
        synthetic.write_latency(self.results)
        code, said, _ = self.plots()
        self.assertEqual(code, 0)
        self.assertEqual(len([line for line in said.splitlines() if "skipped" in line]), len(CHARTS) - 1)
        folder = self.results / "memory-vs-connections"
        self.assertIn(f"memory-against-connections: skipped, {folder} has no runs", said)
        self.assertEqual(len(list(self.charts.iterdir())), 2)

    def test_no_results_at_all(self):
        code, said, complained = self.plots()
        self.assertEqual((code, said, len(complained.splitlines())), (2, "", 1))
        self.assertIn("`make course` makes them", complained)

    def test_broken_record_leaves_no_file(self):
        synthetic.write_all(self.results)
        file = self.results / "throughput-vs-connections" / "runs.csv"
        file.write_text(file.read_text().replace("closed,1,2,yes", "closed,1,two,yes", 1))
        code, said, complained = self.plots()
        self.assertEqual((code, said, len(complained.splitlines())), (2, "", 1))
        self.assertIn(f"{file}: line 2: column 'duration_s': 'two' is not a number", complained)
        self.assertFalse(self.charts.exists())

    def test_interrupted_writing_keeps_the_old_chart_whole(self):
        synthetic.write_latency(self.results)
        self.plots()
        before = {path: path.read_bytes() for path in self.charts.iterdir()}

        def half(_, path, **__):
            Path(path).write_bytes(b"half")
            raise OSError(28, "No space left on device", str(path))

        with mock.patch.object(Figure, "savefig", half):
            code, _, complained = self.plots()
        self.assertEqual(code, 1)
        self.assertIn("No space left on device", complained)
        self.assertEqual({path: path.read_bytes() for path in self.charts.iterdir()}, before)


if __name__ == "__main__":
    unittest.main()
