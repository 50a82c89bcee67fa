"""What is read from results, and what is said when it is broken."""

import tempfile
import unittest
from pathlib import Path

from plots import synthetic
from plots.records import RecordsError, Run, read_experiment, read_requests


class Records(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.results = Path(self.temporary.name)

    def broken(self, old: str, new: str) -> str:
        """The message after replacing `old` by `new` in the runs.csv of a latency experiment."""
        folder = synthetic.write_latency(self.results)
        file = folder / "runs.csv"
        text = file.read_text()
        self.assertIn(old, text)
        file.write_text(text.replace(old, new, 1))
        with self.assertRaises(RecordsError) as caught:
            read_experiment(folder)
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        self.assertIn(str(file), message)
        return message

    def test_reads_every_repetition_with_its_types(self):
        experiment = read_experiment(synthetic.write_latency(self.results))
        self.assertEqual(len(experiment.runs), 3 * len(synthetic.SERVERS) * len(synthetic.CONNECTIONS))
        first = experiment.runs[0]
        self.assertEqual((first.server, first.connections, first.valid), ("thread-per-connection", 10, True))
        self.assertIsInstance(first.p50_us, float)
        self.assertIsNone(first.rss_bytes)

    def test_failures_name_only_the_kinds_that_happened(self):
        experiment = read_experiment(synthetic.write_latency(self.results))
        refused = [run for run in experiment.runs if (run.server, run.connections) == ("select", 5000)]
        self.assertEqual([run.failures() for run in refused], [{"refused": 3980}] * 3)
        self.assertEqual(experiment.runs[0].failures(), {})

    def test_missing_column_is_named(self):
        message = self.broken("p99_us", "p99")
        self.assertIn("line 1", message)
        self.assertIn("'p99_us'", message)

    def test_non_number_is_named_with_its_line(self):
        message = self.broken("select,10,8,14,closed,1,2,yes", "select,ten,8,14,closed,1,2,yes")
        self.assertIn("line 6:", message)
        self.assertIn("'connections'", message)
        self.assertIn("'ten'", message)

    def test_a_measurement_must_be_finite(self):
        self.assertIn("'duration_s'", self.broken("closed,1,2,yes", "closed,1,nan,yes"))

    def test_valid_is_yes_or_no(self):
        self.assertIn("'valid'", self.broken("closed,1,2,yes", "closed,1,2,maybe"))

    def test_short_line_is_told(self):
        folder = synthetic.write_latency(self.results)
        with open(folder / "runs.csv", "a") as file:
            file.write("latency-vs-connections,epoll,10\n")
        with self.assertRaisesRegex(RecordsError, "line 50: column 'active' is missing"):
            read_experiment(folder)

    def test_no_folder_and_no_finished_repetition_are_nothing(self):
        self.assertIsNone(read_experiment(self.results / "latency-vs-connections"))
        empty = synthetic.write_experiment(self.results, "memory-vs-connections", [])
        self.assertIsNone(read_experiment(empty))

    def test_environment_that_is_missing_is_unknown(self):
        folder = synthetic.write_latency(self.results)
        (folder / "environment.json").unlink()
        experiment = read_experiment(folder)
        self.assertEqual(experiment.fact("kernel"), "unknown")
        self.assertEqual(experiment.left_out(), [])

    def test_environment_that_is_broken_is_named(self):
        folder = synthetic.write_latency(self.results)
        (folder / "environment.json").write_text('{"kernel": }')
        with self.assertRaisesRegex(RecordsError, "environment.json: line 1: column 12"):
            read_experiment(folder)

    def test_requests_are_in_order_of_sending_and_may_lack_an_answer(self):
        lines = [synthetic.run_cells("head-of-line", "epoll", 8, 1, samples_file="samples/epoll-1.csv")]
        folder = synthetic.write_experiment(self.results, "head-of-line", lines)
        synthetic.write_requests(folder, "epoll", [(1, 1, 900, ""), (1, 0, 100, 150)])
        experiment = read_experiment(folder)
        requests = read_requests(experiment, experiment.runs[0])
        self.assertEqual([(one.sent_us, one.answered_us) for one in requests], [(100, 150), (900, None)])

    def test_samples_that_are_missing_or_broken_are_named(self):
        lines = [synthetic.run_cells("head-of-line", "epoll", 8, 1, samples_file="samples/epoll-1.csv")]
        folder = synthetic.write_experiment(self.results, "head-of-line", lines)
        experiment = read_experiment(folder)
        with self.assertRaisesRegex(RecordsError, "epoll-1.csv: No such file"):
            read_requests(experiment, experiment.runs[0])
        synthetic.write_requests(folder, "epoll", [(1, 0, "", 150)])
        with self.assertRaisesRegex(RecordsError, "epoll-1.csv: line 2: column 'sent_us'"):
            read_requests(experiment, experiment.runs[0])


class Schema(unittest.TestCase):
    def test_every_column_that_is_read_stands_in_the_schema(self):
        """docs/results.md; common/harness/test_results_schema.py holds what is written to it."""
        page = (Path(__file__).resolve().parents[1] / "docs" / "results.md").read_text(encoding="utf-8")
        self.assertEqual([name for name in Run._fields if f"| `{name}` |" not in page], [])


if __name__ == "__main__":
    unittest.main()
