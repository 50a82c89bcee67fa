"""The same halt three ways."""

import tempfile
import unittest
from pathlib import Path

from plots import stalled_server, synthetic
from plots.records import RecordsError, read_experiment


class StalledServer(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def experiment(self, **cells):
        return read_experiment(synthetic.write_stalled_server(self.results, **cells))

    def draw(self, **cells):
        return stalled_server.draw(self.experiment(**cells))

    @staticmethod
    def footer(figure):
        return " ".join(text.get_text() for text in figure.texts)

    @staticmethod
    def line(axes, label):
        (found,) = [line for line in axes.get_lines() if line.get_label() == label]
        return found

    def test_a_panel_a_way_that_counts_who_was_slow(self):
        titles = [axes.get_title("left") for axes in self.draw().axes]
        self.assertRegex(titles[0], r"^Closed loop: each asks .*: 2 of [0-9,]+ requests are slow$")
        self.assertRegex(
            titles[1], r"^Open loop, 1,000 a second, .*\(uncorrected\): 3 of 1,000 requests are slow$"
        )
        # 190 waited for 10 ms or more; one was never answered.
        self.assertRegex(titles[2], r"intended send \(corrected\): 19[0-9] of 1,000 requests are slow$")

    def test_the_title_is_the_finding(self):
        self.assertEqual(
            self.draw()._suptitle.get_text(),
            "Halted for 200 ms: p99 101 µs closed, 100 µs open uncorrected, 190 ms corrected",
        )

    def test_the_p99_is_the_records_and_is_written_at_its_line(self):
        for axes, p99_us, words in zip(self.draw().axes, (101, 100, 190_000), ("101 µs", "100 µs", "190 ms")):
            self.assertEqual(set(self.line(axes, "_p99").get_ydata()), {p99_us})
            self.assertEqual([text.get_text() for text in axes.texts], [f"p99 {words}"])

    def test_one_axis_of_time_and_one_of_latency(self):
        panels = self.draw().axes
        self.assertEqual({axes.get_xlim() for axes in panels}, {(0, 1)})
        self.assertEqual(
            {(axes.get_yscale(), axes.get_ylim()) for axes in panels}, {("log", panels[0].get_ylim())}
        )
        self.assertLess(panels[0].get_ylim()[0], 100)
        self.assertGreater(panels[0].get_ylim()[1], 4e6)
        self.assertEqual(panels[0].yaxis.get_major_formatter()(10_000), "10 ms")

    def test_who_meant_to_ask_while_it_stood_still_is_there_in_the_corrected_panel_alone(self):
        for axes, label, expected in zip(
            self.draw().axes, ("closed", "uncorrected", "corrected"), (False, False, True)
        ):
            times = self.line(axes, label).get_xdata()
            self.assertEqual(any(0.42 < time < 0.58 for time in times), expected, label)

    def test_the_halt_is_shaded_where_it_was(self):
        for axes in self.draw().axes:
            (halt,) = [patch for patch in axes.patches if patch.get_label() == "_halt"]
            extent = halt.get_extents().transformed(axes.transData.inverted())
            self.assertAlmostEqual(extent.x0, 0.4, delta=0.002)
            self.assertAlmostEqual(extent.x1, 0.6, delta=0.002)

    def test_a_request_without_an_answer_stands_at_the_bound(self):
        figure = self.draw()
        latencies = self.line(figure.axes[2], "corrected").get_ydata()
        self.assertEqual(max(latencies), 4_000_000)
        self.assertIn("Not answered, and at the bound of the run: 1.", self.footer(figure))
        self.assertNotIn("Not answered", self.footer(self.draw(not_answered=0)))

    def test_an_invalid_run_says_so(self):
        figure = self.draw(valid="no", invalid_reason="the generator was late")
        titles = [axes.get_title("left") for axes in figure.axes]
        self.assertEqual(
            ["(invalid: the generator was late)" in title for title in titles], [False, True, True]
        )

    def test_one_loop_alone_is_drawn_alone(self):
        folder = synthetic.write_stalled_server(self.results)
        rows = (folder / "runs.csv").read_text().splitlines(keepends=True)
        (folder / "runs.csv").write_text("".join(rows[:2]))
        figure = stalled_server.draw(read_experiment(folder))
        self.assertEqual(len(figure.axes), 1)
        self.assertEqual(figure._suptitle.get_text(), "Halted for 200 ms: p99 101 µs closed")

    def test_dots_that_lie_on_one_another_are_the_slowest_of_them(self):
        dots = [(1.0, 100.0), (1.1, 100.5), (500.0, 100.0), (1.0, 5000.0)]
        self.assertEqual(
            stalled_server.thinned(dots, 1000, 100), [(1.0, 5000.0), (1.1, 100.5), (500.0, 100.0)]
        )

    def test_nothing_is_written_over_anything(self):
        figure = self.draw()
        figure.draw_without_rendering()
        self.assertLess(figure._suptitle.get_window_extent().x1, figure.bbox.width)
        for axes in figure.axes:
            (label,) = axes.texts
            self.assertGreaterEqual(label.get_window_extent().x0, axes.get_window_extent().x1)
            self.assertLess(label.get_window_extent().x1, figure.bbox.width)
            self.assertLess(axes._left_title.get_window_extent().x1, figure.bbox.width)

    def test_broken_samples_are_named(self):
        experiment = self.experiment()
        samples = experiment.folder / experiment.runs[0].samples_file
        samples.write_text("intended_us,sent_us,answered_us\n")
        with self.assertRaisesRegex(RecordsError, "closed-loop-c2-r1.csv: holds no sample"):
            stalled_server.draw(experiment)
        samples.write_text("intended_us,sent_us,answered_us\n,soon,3\n")
        with self.assertRaisesRegex(RecordsError, "line 2: column 'sent_us': 'soon' is not a number"):
            stalled_server.draw(experiment)


if __name__ == "__main__":
    unittest.main()
